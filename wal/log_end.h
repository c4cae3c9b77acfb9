#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wal/record_format.h"
#include "wal/wal.h"

namespace rawkv {

// What a scan saw behind the last good record, and what others know about it.
struct LogTail {
  Version last;                      // last good record
  Version proven;                    // highest version that an index or a snapshot shows to have been durable
  std::string why;                   // what is wrong with the next frame
  uint64_t garbage_bytes = 0;        // in the segment of the good end, up to the last byte not zero
  std::optional<FrameHeader> later;  // first frame of this branch behind the good end
  bool later_proves_durable = false;
  // First version of the segment of this branch that follows, where it does not continue the good end.
  std::optional<Version> successor;
  uint64_t dead_segments = 0;  // later segments of abandoned branches
  uint64_t dead_bytes = 0;
};

struct LogEndVerdict {
  LogEnd end = LogEnd::kClean;
  Version damaged_from;  // kCorrupt
  Version damaged_to;
  uint64_t torn_bytes = 0;
  std::string reason;  // kTorn, kCorrupt; without the place
};

// Invariant 9, and nothing else: the end is corrupt if and only if something shows that the
// version missing there was durable.
LogEndVerdict JudgeLogEnd(const LogTail& tail);

}  // namespace rawkv
