#include "wal/log_salvage.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fs_ops.h"
#include "wal/log_cut.h"
#include "wal/segment_reader.h"

namespace rawkv {
namespace {

bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kCorruption;
}

// The reader at record `version` in the segment that should hold it; nothing if it is not there.
Result<std::optional<SegmentReader>> FindRecord(const WalContext& context,
                                                const std::vector<SegmentFile>& files, Version version,
                                                std::optional<size_t>* index) {
  const std::optional<size_t> found = FindSegment(files, version);
  // Once a segment has been followed to its end, only a later one can go on.
  if (!found || (*index && *found <= **index)) return std::optional<SegmentReader>();
  *index = found;
  Result<SegmentReader> reader = SegmentReader::OpenUnjudged(context, files[*found]);
  if (IsDamage(reader.status())) return std::optional<SegmentReader>();
  if (!reader.ok()) return reader.status();
  RAWKV_ASSIGN_OR_RETURN(const bool there, reader->SeekRecord(version));
  if (!there) return std::optional<SegmentReader>();
  return std::optional<SegmentReader>(*std::move(reader));
}

}  // namespace

Result<LogPart> FollowLog(const WalContext& context, Version from, Version to,
                          const std::function<Status(const LogRecord&)>& fn) {
  LogPart part{.last = Previous(from), .durable_through = Version()};
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  std::optional<size_t> index;
  while (part.last < to) {
    RAWKV_ASSIGN_OR_RETURN(std::optional<SegmentReader> reader,
                           FindRecord(context, files, Next(part.last), &index));
    if (!reader) return part;
    while (part.last < to) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader->Next());
      if (!frame) break;
      const FrameHeader& head = frame->header;
      part.durable_through = std::max(part.durable_through, head.durable_through);
      if (head.kind != FrameKind::kRecord) continue;
      RAWKV_RETURN_IF_ERROR(fn(RecordOf(*frame)));
      part.last = head.version;
    }
  }
  return part;
}

Result<Version> NewestTrace(const WalContext& context) {
  Version newest;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  for (const SegmentFile& file : files) {
    const Result<SegmentReader> judged = SegmentReader::Open(context, file);
    if (judged.ok() && judged->live()) newest = std::max(newest, Previous(file.first));
    Result<SegmentReader> reader = SegmentReader::OpenUnjudged(context, file);
    if (IsDamage(reader.status())) continue;
    if (!reader.ok()) return reader.status();
    RAWKV_ASSIGN_OR_RETURN(const Version in_frames, reader->NewestFrame());
    newest = std::max(newest, in_frames);
  }
  return newest;
}

Status RemoveSegmentsAbove(const WalContext& context, Version version) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  while (files.size() > 1 && files.back().first > version) {
    RAWKV_RETURN_IF_ERROR(DropNewest(context, &files));
  }
  return {};
}

Status RemoveSegmentsBelow(const WalContext& context, Version version) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  while (files.size() > 1 && files[1].first <= version) {
    RAWKV_RETURN_IF_ERROR(DropOldest(context, &files));
  }
  return {};
}

Status BeginLogAnew(const WalContext& context, const WalOptions& options, Version first) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  RAWKV_ASSIGN_OR_RETURN(SegmentWriter writer, RestartLog(context, options, first, &files));
  RAWKV_RETURN_IF_ERROR(writer.Sync());
  return NeverNoSpace(context.fs->SyncDir(context.dir));
}

Status KeepSegmentAside(const WalContext& context, const SegmentFile& segment, const std::string& dir,
                        AsideMode mode) {
  const std::string to = JoinPath(dir, SegmentName(segment.first));
  if (mode == AsideMode::kLink) return context.fs->Link(segment.path, to);
  return CopyFileSynced(*context.fs, segment.path, to, kMaxSegmentBytes);
}

}  // namespace rawkv
