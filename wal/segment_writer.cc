#include "wal/segment_writer.h"

#include <algorithm>
#include <utility>

#include "base/fs_ops.h"

namespace rawkv {
namespace {

constexpr uint64_t kFillUnitBytes = 4096;

Status RemoveIfPresent(Fs& fs, const std::string& path) {
  const Status removed = fs.RemoveFile(path);
  return removed.code() == StatusCode::kNotFound ? Status::Ok() : removed;
}

// Writes a new segment under its temporary name. Only an error of the sync is final.
Status WriteNewSegment(Fs& fs, const std::string& path, const std::string& header, uint64_t fill_bytes) {
  RAWKV_RETURN_IF_ERROR(RemoveIfPresent(fs, path));  // a leftover of an earlier attempt
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kCreateNew));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(header)));
  RAWKV_RETURN_IF_ERROR(file->ZeroFill(header.size(), fill_bytes - header.size()));
  return MakeFinal(file->Sync());
}

}  // namespace

Status MakeNoSpaceFinal(const Status& status) {
  return status.code() == StatusCode::kNoSpace ? Status::IoError(status.message()) : status;
}

Status MakeFinal(const Status& status) {
  return status.lacks_resource() ? Status::IoError(status.message()) : status;
}

FillTarget PlanFill(const WalOptions& options, uint64_t filled, uint64_t needed) {
  RAWKV_CHECK(needed <= options.segment_bytes, "a group that does not fit goes to the next segment");
  const uint64_t least = (needed + kFillUnitBytes - 1) / kFillUnitBytes * kFillUnitBytes;
  const uint64_t step = (filled + options.fill_step_bytes) / kFillUnitBytes * kFillUnitBytes;
  return {.to = std::max(least, std::min(step, options.segment_bytes)), .least = least};
}

Result<SegmentWriter> SegmentWriter::Create(const WalContext& context, SegmentHeader header,
                                            const FillTarget& fill, bool* named) {
  header.store_uuid = context.store_uuid;
  header.lineage = context.chain.current();
  if (!context.chain.Contains(header.lineage, header.first) || header.first < kMinSegmentVersion ||
      header.first > kMaxSegmentVersion) {
    return Status::InvalidArgument(context.dir + ": version " + ToString(header.first) +
                                   " is not one that the present branch can write");
  }
  Fs& fs = *context.fs;
  SegmentWriter writer;
  const std::string block = EncodeSegmentHeader(&header);
  writer.header_ = header;
  writer.path_ = JoinPath(context.dir, SegmentName(header.first));
  writer.end_ = {.offset = kSegmentHeaderBytes, .checksum = header.checksum, .last = Previous(header.first)};

  const std::string temporary = writer.path_ + ".tmp";
  writer.filled_bytes_ = fill.to;
  Status status = WriteNewSegment(fs, temporary, block, fill.to);
  if (status.code() == StatusCode::kNoSpace && fill.least < fill.to) {
    writer.filled_bytes_ = fill.least;
    status = WriteNewSegment(fs, temporary, block, fill.least);
  }
  // A failed rename has changed nothing, so kNoSpace is still true here.
  if (status.ok()) status = fs.Rename(temporary, writer.path_);
  if (!status.ok()) {
    // Frees the space if possible. The first error is the one to return, and the next attempt removes a
    // leftover.
    (void)RemoveIfPresent(fs, temporary).ok();
    return status;
  }
  if (named != nullptr) *named = true;
  RAWKV_RETURN_IF_ERROR(MakeNoSpaceFinal(fs.SyncDir(context.dir)));
  Result<std::unique_ptr<File>> opened = fs.Open(writer.path_, OpenMode::kReadWrite);
  if (!opened.ok()) return MakeNoSpaceFinal(opened.status());
  writer.file_ = std::move(opened).value();
  return writer;
}

Result<SegmentWriter> SegmentWriter::Open(const WalContext& context, const std::string& path,
                                          const SegmentHeader& header, const ChainPoint& at) {
  SegmentWriter writer;
  writer.path_ = path;
  writer.header_ = header;
  writer.end_ = at;
  RAWKV_ASSIGN_OR_RETURN(writer.file_, context.fs->Open(path, OpenMode::kReadWrite));
  RAWKV_ASSIGN_OR_RETURN(const uint64_t dirty_end, FindNonZeroEnd(*writer.file_, at.offset));
  if (dirty_end > at.offset) {
    RAWKV_RETURN_IF_ERROR(writer.file_->ZeroFill(at.offset, dirty_end - at.offset));
    RAWKV_RETURN_IF_ERROR(MakeFinal(writer.file_->Sync()));
  }
  RAWKV_ASSIGN_OR_RETURN(writer.filled_bytes_, writer.file_->Size());
  return writer;
}

Status SegmentWriter::Extend(const FillTarget& fill) {
  RAWKV_CHECK(fill.least > filled_bytes_ && fill.to >= fill.least, "nothing to extend");
  uint64_t to = fill.to;
  Status status = file_->ZeroFill(filled_bytes_, to - filled_bytes_);
  bool trim = false;
  if (status.code() == StatusCode::kNoSpace && fill.least < to) {
    to = fill.least;
    status = file_->ZeroFill(filled_bytes_, to - filled_bytes_);
    trim = true;
  }
  // Frees the unused zeros. If that fails, a later attempt reuses them.
  if (trim || status.code() == StatusCode::kNoSpace)
    (void)file_->Truncate(status.ok() ? to : filled_bytes_).ok();
  RAWKV_RETURN_IF_ERROR(status);
  RAWKV_RETURN_IF_ERROR(MakeFinal(file_->Sync()));
  filled_bytes_ = to;
  return {};
}

Status SegmentWriter::Append(ConstBytes frames, const ChainPoint& new_end) {
  RAWKV_CHECK(new_end.offset == end_.offset + frames.size(), "the new end is the end of the frames");
  RAWKV_CHECK(new_end.offset <= filled_bytes_, "log space is prepared before it is written");
  RAWKV_RETURN_IF_ERROR(MakeFinal(file_->WriteAt(end_.offset, frames)));
  end_ = new_end;
  return {};
}

Status SegmentWriter::Sync() {
  return MakeFinal(file_->Sync());
}

}  // namespace rawkv
