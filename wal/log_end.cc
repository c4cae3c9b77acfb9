#include "wal/log_end.h"

#include <algorithm>

namespace rawkv {
namespace {

std::string VersionRange(Version from, Version to) {
  if (from == to) return "version " + ToString(from);
  return "versions " + ToString(from) + " to " + ToString(to);
}

// The highest lost version that the log itself shows: the one before its next readable record.
Version LastLostVersion(const LogTail& tail) {
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

LogEndVerdict CorruptVerdict(const LogTail& tail, Version through, const std::string& evidence) {
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
  // A later frame claims durability. A later segment proves it, since the writer makes a segment only after
  // it has synced the predecessor.
  if (tail.later_proves_durable) {
    return CorruptVerdict(tail, LastLostVersion(tail), "a later frame shows that it was durable");
  }
  if (tail.successor) {
    return CorruptVerdict(tail, LastLostVersion(tail), "a later segment shows that this one was complete");
  }
  if (tail.proven > tail.last) {
    return CorruptVerdict(tail, tail.proven,
                          "an index, a snapshot or the last close shows that it was durable");
  }
  LogEndVerdict verdict;
  verdict.torn_bytes = tail.garbage_bytes + tail.dead_bytes;
  if (tail.garbage_bytes == 0 && tail.dead_segments == 0) return verdict;
  verdict.end = LogEnd::kTorn;
  verdict.reason = std::to_string(tail.garbage_bytes) + " bytes after version " + ToString(tail.last) +
                   " never became durable (" + tail.why + ")";
  if (tail.dead_segments != 0) {
    verdict.reason =
        std::to_string(tail.dead_segments) + " segments of an abandoned branch and " + verdict.reason;
  }
  return verdict;
}

}  // namespace rawkv
