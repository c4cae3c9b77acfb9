#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// What a pass of the scrubber goes through, in this order.
enum class ScrubPhase : uint32_t {
  kSuperblocks = 0,
  kLog = 1,        // records, and payloads that only they name
  kSnapshots = 2,  // every file of each
  kTip = 3,        // the live index and the payloads that it names
  kOlder = 4,      // payloads that only a snapshot names
};
const char* ScrubPhaseName(ScrubPhase phase);

// How far the pass under way is. Small, so that it can be written often; losing it costs reading again,
// nothing else. docs/formats/scrub.md.
struct ScrubState {
  uint64_t pass = 1;
  uint64_t started_unix_ms = 0;  // of this pass; 0: it has not begun
  ScrubPhase phase = ScrubPhase::kSuperblocks;
  Version version;  // kLog: the next record; kSnapshots, kOlder: the snapshot that is next or under way
  std::string key;  // kTip, kOlder: the last one that was judged; "": none yet
  // Of this pass.
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint64_t snapshots = 0;
  uint64_t payloads = 0;
  uint64_t findings = 0;
  uint64_t last_complete_unix_ms = 0;  // when the pass before this one came to its end; 0: none did
  friend bool operator==(const ScrubState&, const ScrubState&) = default;
};

std::string EncodeScrubState(const ScrubState& state, const Uuid& store_uuid);
// kCorruption, also for another store's; kNotSupported for a newer format.
Result<ScrubState> DecodeScrubState(std::string_view file, const Uuid& store_uuid);

// kNotFound: no pass was ever begun.
Result<ScrubState> LoadScrubState(Fs& fs, const std::string& path, const Uuid& store_uuid);
Status SaveScrubState(Fs& fs, const std::string& path, const ScrubState& state, const Uuid& store_uuid);

}  // namespace rawkv
