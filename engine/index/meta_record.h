#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/types.h"

namespace rawkv {

// The record that describes the index as a whole. The batch of every commit writes it.
struct MetaRecord {
  Version applied;                   // the version that this index holds
  Lineage lineage;                   // the branch of `applied`
  uint64_t commit_time_unix_ms = 0;  // of `applied`
  std::string user_metadata;         // of `applied`
  uint64_t live_extents = 0;         // with 0, a commit does not look up the values that it overwrites
  uint64_t live_slots = 0;
  uint64_t taken_slots = 0;            // live + deferred: bits set in the allocation pages
  SlotId cursor;                       // where the next search for free slots begins; a hint
  std::optional<Sha256Digest> digest;  // state digest
  std::string digest_state;            // the 2,048-byte lattice state from which it is computed
  friend bool operator==(const MetaRecord&, const MetaRecord&) = default;
};

// docs/formats/index.md. kCorruption: the bytes are damaged. kNotSupported: a newer format.
std::string EncodeMetaRecord(const MetaRecord& meta);
Result<MetaRecord> DecodeMetaRecord(ConstBytes bytes);

}  // namespace rawkv
