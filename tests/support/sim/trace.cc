#include "tests/support/sim/trace.h"

namespace rawkv {

const char* TraceKindName(TraceEvent::Kind kind) {
  switch (kind) {
    case TraceEvent::Kind::kWrite:
      return "write";
    case TraceEvent::Kind::kZero:
      return "zero";
    case TraceEvent::Kind::kResize:
      return "resize";
    case TraceEvent::Kind::kSyncFile:
      return "sync";
    case TraceEvent::Kind::kEnter:
      return "enter";
    case TraceEvent::Kind::kLeave:
      return "unlink";
    case TraceEvent::Kind::kRename:
      return "rename";
    case TraceEvent::Kind::kSyncDir:
      return "syncdir";
    case TraceEvent::Kind::kDeviceWrite:
      return "device write";
    case TraceEvent::Kind::kDeviceFlush:
      return "device flush";
    case TraceEvent::Kind::kDeviceDiscard:
      return "device discard";
    case TraceEvent::Kind::kDeviceResize:
      return "device resize";
    case TraceEvent::Kind::kMark:
      return "mark";
  }
  return "?";
}

std::string Describe(const TraceEvent& event) {
  std::string out = std::string(TraceKindName(event.kind)) + " " + event.path;
  if (event.kind == TraceEvent::Kind::kRename) out += " -> " + event.to_name;
  const uint64_t length = event.bytes.empty() ? event.length : event.bytes.size();
  if (length != 0 || event.offset != 0) {
    out += " [" + std::to_string(event.offset) + ", +" + std::to_string(length) + ")";
  }
  return out;
}

std::string DiscardedBytes(uint64_t length) {
  return std::string(length, '\xdd');
}

}  // namespace rawkv
