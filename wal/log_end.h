#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wal/record_format.h"
#include "wal/wal.h"

namespace rawkv {

// What a scan found after the last good record ("the good end"), and what is known from elsewhere.
struct LogTail {
  Version last;     // version of the last good record
  Version proven;   // highest version that an index, a snapshot or the last close shows to have been durable
  std::string why;  // why the next frame is not good
  uint64_t garbage_bytes = 0;         // in the segment of the good end, through the last nonzero byte
  std::optional<FrameHeader> later;   // first frame of this branch after the good end
  bool later_proves_durable = false;  // a later frame claims that the missing version was durable
  // First version of the next segment of this branch, if that segment does not continue the good end.
  std::optional<Version> successor;
  uint64_t dead_segments = 0;  // later segments of abandoned branches
  uint64_t dead_bytes = 0;
};

struct LogEndVerdict {
  LogEnd end = LogEnd::kClean;
  Version damaged_from;  // kCorrupt
  Version damaged_to;
  uint64_t torn_bytes = 0;
  std::string reason;  // kTorn, kCorrupt; does not name the place
};

// Decides by invariant 9: the end is corrupt if and only if there is proof that the version missing there was
// durable.
LogEndVerdict JudgeLogEnd(const LogTail& tail);

}  // namespace rawkv
