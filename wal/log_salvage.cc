#include "wal/log_salvage.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fs_ops.h"
#include "base/limits.h"
#include "wal/log_cut.h"
#include "wal/segment_reader.h"

namespace rawkv {
namespace {

bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kCorruption;
}

// Opens the segment that should hold record `version`, and moves to the record. Nothing if it is missing.
Result<std::optional<SegmentReader>> FindRecord(const WalContext& context,
                                                const std::vector<SegmentFile>& files, Version version,
                                                std::optional<size_t>* index) {
  const std::optional<size_t> found = FindSegment(files, version);
  // A segment that was read to its end is not searched again.
  if (!found || (*index && *found <= **index)) return std::optional<SegmentReader>();
  *index = found;
  Result<SegmentReader> reader = SegmentReader::OpenIgnoringHeader(context, files[*found]);
  if (IsDamage(reader.status())) return std::optional<SegmentReader>();
  if (!reader.ok()) return reader.status();
  RAWKV_ASSIGN_OR_RETURN(const bool present, reader->SeekRecord(version));
  if (!present) return std::optional<SegmentReader>();
  return std::optional<SegmentReader>(*std::move(reader));
}

}  // namespace

Result<LogPart> ReadIntactRecords(const WalContext& context, Version from, Version to,
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
      RAWKV_RETURN_IF_ERROR(fn(ToLogRecord(*frame)));
      part.last = head.version;
    }
  }
  return part;
}

Result<Version> FindNewestVersionInLog(const WalContext& context) {
  Version newest;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  for (const SegmentFile& file : files) {
    const Result<SegmentReader> judged = SegmentReader::Open(context, file);
    if (judged.ok() && judged->live()) newest = std::max(newest, Previous(file.first));
    Result<SegmentReader> reader = SegmentReader::OpenIgnoringHeader(context, file);
    if (IsDamage(reader.status())) continue;
    if (!reader.ok()) return reader.status();
    RAWKV_ASSIGN_OR_RETURN(const Version in_frames, reader->FindNewestVersion());
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

Status ReplaceLog(const WalContext& context, const WalOptions& options, Version first) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  RAWKV_ASSIGN_OR_RETURN(SegmentWriter writer, RestartLog(context, options, first, &files));
  RAWKV_RETURN_IF_ERROR(writer.Sync());
  return MakeNoSpaceFinal(context.fs->SyncDir(context.dir));
}

Status BackUpSegment(const WalContext& context, const SegmentFile& segment, const std::string& dir,
                     BackupMode mode) {
  const std::string to = JoinPath(dir, SegmentName(segment.first));
  if (mode == BackupMode::kLink) return context.fs->Link(segment.path, to);
  return CopyFileSynced(*context.fs, segment.path, to, kMaxSegmentBytes);
}

}  // namespace rawkv
