#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// The phases of a scrub pass, in their order.
enum class ScrubPhase : uint32_t {
  kSuperblocks = 0,
  kLog = 1,        // records, and payloads that only records name
  kSnapshots = 2,  // every file of each
  kTip = 3,        // the live index and the payloads that it names
  kOlder = 4,      // payloads that only a snapshot names
};
const char* ScrubPhaseName(ScrubPhase phase);

// The place of the pass under way. It is small, so that it can be written often. If it is lost, the next
// scrub reads that part again. docs/formats/scrub.md.
struct ScrubState {
  uint64_t pass = 1;
  uint64_t started_unix_ms = 0;  // start of this pass; 0: it has not begun
  ScrubPhase phase = ScrubPhase::kSuperblocks;
  Version version;  // kLog: the next record; kSnapshots, kOlder: the snapshot that is next or under way
  std::string key;  // kTip, kOlder: the last key that was verified; "": none yet
  // Counters of this pass.
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint64_t snapshots = 0;
  uint64_t payloads = 0;
  uint64_t findings = 0;
  uint64_t last_complete_unix_ms = 0;  // end of the last complete pass; 0: there is none
  friend bool operator==(const ScrubState&, const ScrubState&) = default;
};

std::string EncodeScrubState(const ScrubState& state, const Uuid& store_uuid);
// kCorruption: the file is damaged or belongs to another store. kNotSupported: a newer format.
Result<ScrubState> DecodeScrubState(std::string_view file, const Uuid& store_uuid);

// kNotFound: no pass was begun yet. Otherwise the errors of DecodeScrubState.
Result<ScrubState> LoadScrubState(Fs& fs, const std::string& path, const Uuid& store_uuid);
Status SaveScrubState(Fs& fs, const std::string& path, const ScrubState& state, const Uuid& store_uuid);

}  // namespace rawkv
