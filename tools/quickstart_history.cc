#include "tools/quickstart_history.h"

#include <algorithm>

#include "base/extent.h"

namespace rawkv::quickstart {
namespace {

// Of a change in a log record, besides key and inline value: field tags, extents, write id, a checksum
// a chunk. Generous.
uint64_t BookkeepingBytes(uint64_t value_bytes) {
  return 96 + 10 * (value_bytes / kPayloadChunkBytes);
}

}  // namespace

HistorySize Measure(const History& history, const SlotLayout& layout) {
  HistorySize out;
  for (uint64_t number = 1; number <= history.size(); ++number) {
    const Step& step = history.step(number);
    uint64_t record_bytes = 0;
    for (const Change& change : step.changes) {
      record_bytes += change.key.size() + BookkeepingBytes(change.bytes);
      if (change.is_delete()) {
        ++out.deletes;
        continue;
      }
      ++out.puts;
      out.value_bytes += change.bytes;
      if (change.bytes <= layout.inline_bytes) {
        record_bytes += change.bytes;
      } else {
        const uint64_t slots = (change.bytes + layout.slot_bytes - 1) / layout.slot_bytes;
        out.device_bytes += slots * layout.slot_bytes;
      }
    }
    out.record_bytes += record_bytes;
    out.record_bytes_max = std::max(out.record_bytes_max, record_bytes);
    out.operations_max = std::max<uint64_t>(out.operations_max, step.changes.size());
  }
  return out;
}

}  // namespace rawkv::quickstart
