#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/types.h"

namespace rawkv {

// The one record that says what the index contains as a whole; written in every commit's batch.
struct MetaRecord {
  Version applied;                   // version of the state in this index
  Lineage lineage;                   // branch that made it
  uint64_t commit_time_unix_ms = 0;  // of `applied`
  std::string user_metadata;         // of `applied`
  uint64_t live_extents = 0;         // 0 lets commits skip looking up what they overwrite
  uint64_t live_slots = 0;
  uint64_t taken_slots = 0;            // live + deferred: bits set in the allocation pages
  SlotId cursor;                       // where the next search for free slots begins; a hint
  std::optional<Sha256Digest> digest;  // state digest, and the 2,048-byte lattice state behind it
  std::string digest_state;
  friend bool operator==(const MetaRecord&, const MetaRecord&) = default;
};

std::string EncodeMetaRecord(const MetaRecord& meta);
Result<MetaRecord> DecodeMetaRecord(ConstBytes bytes);

}  // namespace rawkv
