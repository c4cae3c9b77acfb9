#include "wal/log_extent.h"

#include <algorithm>

#include "wal/segment_name.h"
#include "wal/segment_reader.h"

namespace rawkv {
namespace {

// The bytes of the segment's records. A segment that cannot be read counts as a whole.
uint64_t RecordBytesIn(Fs& fs, const SegmentFile& segment) {
  const Result<std::unique_ptr<File>> file = fs.Open(segment.path, OpenMode::kRead);
  const Result<uint64_t> end =
      file.ok() ? FindNonZeroEnd(**file, kSegmentHeaderBytes) : Result<uint64_t>(file.status());
  return (end.ok() ? *end : std::max(segment.bytes, kSegmentHeaderBytes)) - kSegmentHeaderBytes;
}

}  // namespace

Result<uint64_t> EstimateLogBytes(const WalContext& context, const LogExtent& extent) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*context.fs, context.dir));
  double bytes = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const Version begin = segments[i].first;
    const Version end = i + 1 < segments.size() ? Previous(segments[i + 1].first) : extent.newest;
    const Version first = std::max(begin, extent.first);
    const Version last = std::min(end, extent.last);
    if (first > last) continue;
    const auto share = static_cast<double>(last.value() - first.value() + 1) /
                       static_cast<double>(end.value() - begin.value() + 1);
    bytes += share * static_cast<double>(RecordBytesIn(*context.fs, segments[i]));
  }
  return static_cast<uint64_t>(bytes);
}

}  // namespace rawkv
