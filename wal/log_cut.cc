#include "wal/log_cut.h"

#include <algorithm>

namespace rawkv {
namespace {

// A missing file is no error: an earlier attempt may have removed it and then failed.
Status RemoveDurably(const WalContext& context, const std::string& path) {
  const Status removed = context.fs->RemoveFile(path);
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  return MakeNoSpaceFinal(context.fs->SyncDir(context.dir));
}

// Each removal is durable before the next one, so that a power cut leaves no gap.
Status RemoveAbove(const WalContext& context, Version first, std::vector<SegmentFile>* files) {
  while (!files->empty() && files->back().first > first) {
    RAWKV_RETURN_IF_ERROR(DropNewest(context, files));
  }
  return {};
}

}  // namespace

Result<CutPoint> FindCutPoint(const WalContext& context, const std::vector<SegmentFile>& files,
                              Version keep_through) {
  CutPoint cut;
  cut.at.last = keep_through;
  const Version next = Next(keep_through);
  for (std::optional<size_t> index = FindSegment(files, next); index;) {
    RAWKV_ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::Open(context, files[*index]));
    if (!reader.live() && files[*index].first == next) {
      // The abandoned branch began this segment right above the fork. Readers would ignore records of the
      // new branch in it.
      index = *index == 0 ? std::nullopt : std::optional<size_t>(*index - 1);
      continue;
    }
    while (reader.point().last < keep_through) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader.Next());
      if (frame) continue;
      return Status::Corruption(reader.path() + ", offset " + std::to_string(reader.point().offset) +
                                ": version " + ToString(keep_through) + ", which must stay, is missing (" +
                                reader.why() + ")");
    }
    cut.segment = files[*index];
    cut.header = reader.header();
    cut.at = reader.point();
    cut.durable_through = reader.durable_through();
    return cut;
  }
  return cut;
}

Result<SegmentWriter> CutAfter(const WalContext& context, const WalOptions& options, const CutPoint& cut,
                               std::vector<SegmentFile>* files) {
  if (cut.segment) {
    RAWKV_RETURN_IF_ERROR(RemoveAbove(context, cut.segment->first, files));
    return SegmentWriter::Open(context, cut.segment->path, cut.header, cut.at);
  }
  // No segment is kept. The oldest one stays until the new one exists, since a store without a log is
  // corrupt. If both have the same name, the rename replaces the old one.
  if (!files->empty()) RAWKV_RETURN_IF_ERROR(RemoveAbove(context, files->front().first, files));
  return RestartLog(context, options, Next(cut.at.last), files);
}

Result<SegmentWriter> RestartLog(const WalContext& context, const WalOptions& options, Version first,
                                 std::vector<SegmentFile>* files) {
  RAWKV_ASSIGN_OR_RETURN(SegmentWriter writer, CreateFirstSegment(context, options, first));
  RAWKV_RETURN_IF_ERROR(RemoveAbove(context, first, files));
  while (!files->empty() && files->front().first < first) {
    RAWKV_RETURN_IF_ERROR(DropOldest(context, files));
  }
  *files = {{.first = first, .path = writer.path(), .bytes = writer.filled_bytes()}};
  return writer;
}

Status DropNewest(const WalContext& context, std::vector<SegmentFile>* files) {
  RAWKV_RETURN_IF_ERROR(RemoveDurably(context, files->back().path));
  files->pop_back();
  return {};
}

Status DropOldest(const WalContext& context, std::vector<SegmentFile>* files) {
  RAWKV_RETURN_IF_ERROR(RemoveDurably(context, files->front().path));
  files->erase(files->begin());
  return {};
}

Result<SegmentWriter> CreateFirstSegment(const WalContext& context, const WalOptions& options,
                                         Version first) {
  SegmentHeader header;
  header.first = first;
  return SegmentWriter::Create(context, header, PlanFill(options, 0, 2 * kSegmentHeaderBytes));
}

}  // namespace rawkv
