#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/types.h"

namespace rawkv {

// Decides when a checkpoint is due. Pure: the caller passes the time. Not thread-safe.
class CheckpointSchedule {
 public:
  struct Times {
    uint64_t interval_ms = 0;  // between two checkpoints at least
    uint64_t max_age_ms = 0;   // after which the schedule waits no longer for a quiet moment
  };
  // The newest checkpoint counts as written at `now_ms`.
  CheckpointSchedule(Times times, uint64_t now_ms) : times_(times), last_ms_(now_ms) {}

  // What the store looks like when the schedule is asked.
  struct Seen {
    Version tip;
    std::optional<Version> checkpoint;  // of the newest checkpoint
    uint64_t now_ms = 0;
  };
  // Whether a checkpoint is due: at once without any, otherwise by the times. A moment is quiet if no version
  // was made since the last call.
  bool IsDue(const Seen& seen) {
    const bool quiet = seen.tip == last_tip_;
    last_tip_ = seen.tip;
    last_ms_ = std::min(last_ms_, seen.now_ms);  // the clock was set back
    const uint64_t age_ms = seen.now_ms - last_ms_;
    if (failed_) return age_ms >= times_.max_age_ms;
    if (!seen.checkpoint) return true;
    if (seen.tip == *seen.checkpoint) return false;
    return (quiet && age_ms >= times_.interval_ms) || age_ms >= times_.max_age_ms;
  }
  // An attempt ended. After a failure the next one comes at the maximum age, so that a region that is too
  // small is not written over and over.
  enum class Outcome : uint8_t { kWritten, kFailed };
  void Note(Outcome outcome, uint64_t now_ms) {
    last_ms_ = now_ms;
    failed_ = outcome == Outcome::kFailed;
  }

 private:
  const Times times_;
  uint64_t last_ms_;
  bool failed_ = false;  // the newest attempt
  std::optional<Version> last_tip_;
};

}  // namespace rawkv
