#include <algorithm>

#include "wal/segment_reader.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

Status MissingError(const std::string& where, Version from, Version to, const std::string& why) {
  const std::string range =
      from == to ? "version " + ToString(from) : "versions " + ToString(from) + " to " + ToString(to);
  return Status::Corruption(where + ": log " + range + " damaged or missing: " + why);
}

// Moves *reader to the next segment, which must continue the present one.
Status Advance(const WalContext& context, const SegmentFile& file, Version to, SegmentReader* reader) {
  RAWKV_ASSIGN_OR_RETURN(SegmentReader next, SegmentReader::Open(context, file));
  const ChainPoint& end = reader->point();
  const bool continues =
      next.live() && next.header().first == Next(end.last) && next.header().prev_checksum == end.checksum;
  if (!continues) {
    return MissingError(reader->path() + ", offset " + std::to_string(end.offset), Next(end.last), to,
                        std::string(reader->why()) + ", and " + next.path() + " does not continue it");
  }
  *reader = std::move(next);
  return {};
}

}  // namespace

Status SyncLog(const WalContext& context, Version from) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  for (size_t i = FindSegment(files, from).value_or(0); i < files.size(); ++i) {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                           context.fs->Open(files[i].path, OpenMode::kRead));
    RAWKV_RETURN_IF_ERROR(file->Sync());
  }
  return context.fs->SyncDir(context.dir);
}

Status ReadLog(const WalContext& context, Version from, Version to,
               const std::function<Status(const LogRecord&)>& fn) {
  if (to < from) return {};
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  const std::optional<size_t> begin = FindSegment(files, from);
  if (!begin) {
    const Version log_begin = files.empty() ? Next(to) : files.front().first;
    return MissingError(context.dir, from, std::min(to, Previous(log_begin)),
                        "the log begins at a later version");
  }
  size_t index = *begin;
  RAWKV_ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::Open(context, files[index]));
  if (!reader.live()) return MissingError(reader.path(), from, to, "segment of an abandoned branch");
  while (reader.point().last < to) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader.Next());
    if (frame) {
      const FrameHeader& head = frame->header;
      if (head.kind != FrameKind::kRecord || head.version < from) continue;
      RAWKV_RETURN_IF_ERROR(fn(ToLogRecord(*frame)));
      continue;
    }
    if (index + 1 == files.size()) {
      return MissingError(reader.path() + ", offset " + std::to_string(reader.point().offset),
                          Next(reader.point().last), to, reader.why());
    }
    RAWKV_RETURN_IF_ERROR(Advance(context, files[++index], to, &reader));
  }
  return {};
}

}  // namespace rawkv
