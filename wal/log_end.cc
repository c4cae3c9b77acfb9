#include "wal/log_end.h"

#include <algorithm>

namespace rawkv {
namespace {

std::string VersionRange(Version from, Version to) {
  if (from == to) return "version " + ToString(from);
  return "versions " + ToString(from) + " to " + ToString(to);
}

// The highest version that the log itself shows to be lost: up to where it can be read again.
Version LostThrough(const LogTail& tail) {
  const Version missing = Next(tail.last);
  Version through = missing;
  if (tail.later) {
    const bool record = tail.later->kind == FrameKind::kRecord;
    through = record ? Previous(tail.later->version) : tail.later->version;
  } else if (tail.successor) {
    through = Previous(*tail.successor);
  }
  return std::max(through, missing);
}

LogEndVerdict Corrupt(const LogTail& tail, Version through, const std::string& evidence) {
  LogEndVerdict verdict;
  verdict.end = LogEnd::kCorrupt;
  verdict.damaged_from = Next(tail.last);
  verdict.damaged_to = through;
  verdict.reason =
      VersionRange(verdict.damaged_from, through) + " damaged or missing (" + tail.why + "): " + evidence;
  return verdict;
}

}  // namespace

LogEndVerdict JudgeLogEnd(const LogTail& tail) {
  // A later frame's claim, or a later segment: one is made only after its predecessor was synced.
  if (tail.later_proves_durable) {
    return Corrupt(tail, LostThrough(tail), "a later frame shows that it was durable");
  }
  if (tail.successor) {
    return Corrupt(tail, LostThrough(tail), "a later segment shows that this one was complete");
  }
  if (tail.proven > tail.last) {
    return Corrupt(tail, tail.proven, "an index or a snapshot shows that it was durable");
  }
  LogEndVerdict verdict;
  verdict.torn_bytes = tail.garbage_bytes + tail.dead_bytes;
  if (tail.garbage_bytes == 0 && tail.dead_segments == 0) return verdict;
  verdict.end = LogEnd::kTorn;
  verdict.reason = std::to_string(tail.garbage_bytes) + " bytes behind version " + ToString(tail.last) +
                   " never became durable (" + tail.why + ")";
  if (tail.dead_segments != 0) {
    verdict.reason =
        std::to_string(tail.dead_segments) + " segments of an abandoned branch and " + verdict.reason;
  }
  return verdict;
}

}  // namespace rawkv
