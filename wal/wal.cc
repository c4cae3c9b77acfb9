#include "wal/wal.h"

#include <algorithm>
#include <utility>

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/limits.h"
#include "wal/log_cut.h"
#include "wal/record_format.h"
#include "wal/segment_name.h"
#include "wal/segment_writer.h"

namespace rawkv {
namespace {

constexpr uint64_t kBlockBytes = 4096;
constexpr uint64_t kMaxKeptBufferBytes = 8ull << 20;

static_assert(Wal::kWatermarkBytes == FramedBytes(0));

Status CheckOptions(const WalOptions& options) {
  const uint64_t bytes = options.segment_bytes;
  if (bytes < kMinSegmentBytes || bytes > kMaxSegmentBytes || bytes % kBlockBytes != 0) {
    return Status::InvalidArgument("wal_segment_bytes must be a multiple of 4096 from 64 KiB to 1 GiB, not " +
                                   std::to_string(bytes));
  }
  if (options.fill_step_bytes > kMaxSegmentBytes) {
    return Status::InvalidArgument("the log's fill step must be at most 1 GiB, not " +
                                   std::to_string(options.fill_step_bytes));
  }
  return {};
}

// Removes unfinished segments of an interrupted run. The next sync of the directory makes this durable.
Status SweepTemporaries(const WalContext& context) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, context.fs->List(context.dir));
  for (const std::string& name : names) {
    if (!IsTemporarySegmentName(name)) continue;
    RAWKV_RETURN_IF_ERROR(context.fs->RemoveFile(JoinPath(context.dir, name)));
  }
  return {};
}

// The place after `keep_through`. Takes it from the scan if the scan ends there, so that the segment is not
// read again.
Result<CutPoint> ChooseCutPoint(const WalContext& context, const std::vector<SegmentFile>& files,
                                const LogScan& scan, Version keep_through) {
  const auto end = std::find_if(files.begin(), files.end(),
                                [&](const SegmentFile& file) { return file.path == scan.segment; });
  if (keep_through == scan.last && end != files.end()) {
    RAWKV_ASSIGN_OR_RETURN(const SegmentReader reader, SegmentReader::Open(context, *end));
    if (reader.live()) {
      return CutPoint{.segment = *end,
                      .header = reader.header(),
                      .at = {.offset = scan.end_offset, .checksum = scan.end_checksum, .last = scan.last},
                      .durable_through = scan.durable_through};
    }
  }
  return FindCutPoint(context, files, keep_through);
}

}  // namespace

struct Wal::Impl {
  Impl(WalContext context_in, const WalOptions& options_in, std::vector<SegmentFile> files_in,
       SegmentWriter writer_in)
      : context(std::move(context_in)),
        options(options_in),
        seed(FrameSeed(context.store_uuid)),
        files(std::move(files_in)),
        writer(std::move(writer_in)) {}

  uint64_t max_group_bytes() const { return options.segment_bytes - kSegmentHeaderBytes - kWatermarkBytes; }
  // The first failure ends all writing (invariant 10).
  Status CheckUsable() const {
    if (failed.ok()) return {};
    return Status::Poisoned("log failed earlier; reopen the store: " + failed.ToString());
  }
  Status RecordFailure(Status status) {
    if (!status.ok() && failed.ok()) failed = status;
    return status;
  }

  // An exception here may leave a new segment that this object does not know. So it becomes an error, which
  // RecordFailure keeps.
  Status Rotate(uint64_t needed_bytes) {
    return NoThrow([&] { return RotateTo(needed_bytes); });
  }
  Status RotateTo(uint64_t needed_bytes);

  WalContext context;
  const WalOptions options;
  const uint64_t seed;
  std::vector<SegmentFile> files;  // oldest first; the last one is the writer's
  SegmentWriter writer;
  Version durable_through;  // highest claim known to be in the log
  // True after a rotation that failed once the new segment had its name. No record may follow in the old
  // segment: the next write first rotates again, which replaces the new segment.
  bool successor_named = false;
  Status failed;
  std::string buffer;
};

// Makes the old segment durable before its successor exists. So a later segment proves that this one is
// complete.
Status Wal::Impl::RotateTo(uint64_t needed_bytes) {
  const bool sealing = writer.has_records();
  SegmentHeader header;
  if (sealing) {
    RAWKV_RETURN_IF_ERROR(writer.Sync());
    header.first = Next(writer.end().last);
    header.prev_checksum = writer.end().checksum;
  } else {
    // A segment without records has the same name as its successor would have. A fresh segment replaces it.
    // That loses at most watermarks, which only save some reading at recovery.
    header.first = writer.header().first;
    header.prev_checksum = writer.header().prev_checksum;
  }
  const FillTarget fill = PlanFill(options, 0, kSegmentHeaderBytes + needed_bytes);
  bool named = false;
  Result<SegmentWriter> next = SegmentWriter::Create(context, header, fill, &named);
  if (!next.ok()) {
    successor_named |= named;
    return next.status();
  }
  successor_named = false;
  if (sealing) {
    files.back().bytes = writer.filled_bytes();
    files.push_back({.first = header.first, .path = next->path(), .bytes = 0});
  } else {
    durable_through = Version();
  }
  writer = *std::move(next);
  return {};
}

Status CreateLog(const WalContext& context, const WalOptions& options, Version first) {
  RAWKV_RETURN_IF_ERROR(CheckOptions(options));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  if (!files.empty()) {
    return Status::FailedPrecondition(context.dir + ": holds a log already (" + files.front().path + ")");
  }
  return CreateFirstSegment(context, options, first).status();
}

Wal::Wal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Wal::~Wal() = default;

Result<std::unique_ptr<Wal>> Wal::Open(WalContext context, const WalOptions& options, const LogScan& scan,
                                       Version keep_through) {
  RAWKV_RETURN_IF_ERROR(CheckOptions(options));
  if (keep_through > scan.last && scan.end != LogEnd::kCorrupt) {
    return Status::InvalidArgument(context.dir + ": the log ends at version " + ToString(scan.last) +
                                   ", so it cannot be kept through " + ToString(keep_through));
  }
  RAWKV_RETURN_IF_ERROR(SweepTemporaries(context));
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));

  CutPoint cut;
  Result<SegmentWriter> writer = Status::Internal("not opened");
  if (keep_through > scan.last) {
    cut.durable_through = Version();
    writer = RestartLog(context, options, Next(keep_through), &files);
  } else {
    RAWKV_ASSIGN_OR_RETURN(cut, ChooseCutPoint(context, files, scan, keep_through));
    writer = CutAfter(context, options, cut, &files);
  }
  if (!writer.ok()) return writer.status();
  // An earlier process may have synced neither the records nor the name of the segment. Both must be durable
  // before a later commit is acknowledged (invariant 9).
  RAWKV_RETURN_IF_ERROR(writer->Sync());
  RAWKV_RETURN_IF_ERROR(MakeNoSpaceFinal(context.fs->SyncDir(context.dir)));

  auto impl =
      std::make_unique<Impl>(std::move(context), options, std::move(files), std::move(writer).value());
  impl->durable_through = cut.durable_through;
  return std::unique_ptr<Wal>(new Wal(std::move(impl)));
}

uint64_t Wal::FramedBytes(std::span<const PendingRecord> group) {
  uint64_t bytes = 0;
  for (const PendingRecord& record : group) {
    bytes += rawkv::FramedBytes(kRecordTimeBytes + record.body.size());
  }
  return bytes;
}

uint64_t Wal::max_group_bytes() const {
  return impl_->max_group_bytes();
}

Status Wal::PrepareSpace(uint64_t framed_bytes) {
  Impl& impl = *impl_;
  RAWKV_RETURN_IF_ERROR(impl.CheckUsable());
  if (framed_bytes > impl.max_group_bytes()) {
    return Status::InvalidArgument("a commit group of " + std::to_string(framed_bytes) +
                                   " log bytes does not fit a segment, which takes " +
                                   std::to_string(impl.max_group_bytes()) + "; raise wal_segment_bytes");
  }
  // Reserves the memory now, so that Append cannot run out of it.
  impl.buffer.reserve(framed_bytes);
  // Keeps room for a watermark after every group, so that a close on a full disk can still write one.
  const uint64_t needed_bytes = framed_bytes + kWatermarkBytes;
  const uint64_t end = impl.writer.end().offset + needed_bytes;
  Status status;
  if (impl.successor_named || end > impl.options.segment_bytes) {
    status = impl.Rotate(needed_bytes);
  } else if (end > impl.writer.filled_bytes()) {
    status = impl.writer.Extend(PlanFill(impl.options, impl.writer.filled_bytes(), end));
  }
  return status.lacks_resource() ? status : impl.RecordFailure(status);
}

Status Wal::Append(std::span<const PendingRecord> group, Lineage lineage, Version durable_through) {
  Impl& impl = *impl_;
  RAWKV_RETURN_IF_ERROR(impl.CheckUsable());
  ChainPoint at = impl.writer.end();
  RAWKV_CHECK(at.offset + FramedBytes(group) <= impl.writer.filled_bytes(), "PrepareSpace comes first");
  RAWKV_CHECK(durable_through <= at.last, "only what has been written can be durable");
  const uint64_t begin = at.offset;
  impl.buffer.clear();
  for (const PendingRecord& record : group) {
    RAWKV_CHECK(record.version == Next(at.last), "versions are dense");
    RAWKV_CHECK(impl.context.chain.Contains(lineage, record.version), "a record off the chain is dead");
    const FrameHeader head{.kind = FrameKind::kRecord,
                           .version = record.version,
                           .lineage = lineage,
                           .offset = at.offset,
                           .prev_checksum = at.checksum,
                           .durable_through = durable_through};
    at.checksum = AppendFrame(head, impl.seed, record.time_unix_ms, record.body, &impl.buffer);
    at.offset = begin + impl.buffer.size();
    at.last = record.version;
  }
  RAWKV_RETURN_IF_ERROR(impl.RecordFailure(impl.writer.Append(AsBytes(impl.buffer), at)));
  impl.durable_through = std::max(impl.durable_through, durable_through);
  if (impl.buffer.capacity() > kMaxKeptBufferBytes) std::string().swap(impl.buffer);
  return {};
}

Status Wal::AppendWatermark(Lineage lineage, Version durable_through) {
  Impl& impl = *impl_;
  RAWKV_RETURN_IF_ERROR(impl.CheckUsable());
  // An open and a close of an idle store must not add to its log.
  if (durable_through <= impl.durable_through) return {};
  ChainPoint at = impl.writer.end();
  RAWKV_CHECK(at.offset + kWatermarkBytes <= impl.writer.filled_bytes(), "PrepareSpace comes first");
  RAWKV_CHECK(durable_through <= at.last, "only what has been written can be durable");
  const FrameHeader head{.kind = FrameKind::kWatermark,
                         .version = at.last,
                         .lineage = lineage,
                         .offset = at.offset,
                         .prev_checksum = at.checksum,
                         .durable_through = durable_through};
  RAWKV_CHECK(OnChain(impl.context.chain, head), "a watermark off the chain is dead");
  impl.buffer.clear();
  at.checksum = AppendFrame(head, impl.seed, 0, {}, &impl.buffer);
  at.offset += impl.buffer.size();
  RAWKV_RETURN_IF_ERROR(impl.RecordFailure(impl.writer.Append(AsBytes(impl.buffer), at)));
  impl.durable_through = durable_through;
  return {};
}

Status Wal::Sync() {
  RAWKV_RETURN_IF_ERROR(impl_->CheckUsable());
  return impl_->RecordFailure(impl_->writer.Sync());
}

Status Wal::StartSegment(uint64_t min_bytes) {
  Impl& impl = *impl_;
  RAWKV_RETURN_IF_ERROR(impl.CheckUsable());
  const uint64_t record_bytes = impl.writer.end().offset - kSegmentHeaderBytes;
  if (!impl.writer.has_records() || record_bytes < min_bytes) return {};
  const Status status = impl.Rotate(kWatermarkBytes);
  return status.lacks_resource() ? status : impl.RecordFailure(status);
}

Status Wal::DropBefore(Version version) {
  Impl& impl = *impl_;
  RAWKV_RETURN_IF_ERROR(impl.CheckUsable());
  while (impl.files.size() > 1 && impl.files[1].first <= version) {
    RAWKV_RETURN_IF_ERROR(DropOldest(impl.context, &impl.files));
  }
  return {};
}

Version Wal::first() const {
  return impl_->files.front().first;
}
Version Wal::last() const {
  return impl_->writer.end().last;
}

uint64_t Wal::BytesFrom(Version version) const {
  uint64_t bytes = impl_->writer.end().offset;
  for (size_t i = 0; i + 1 < impl_->files.size(); ++i) {
    if (impl_->files[i + 1].first > version) bytes += impl_->files[i].bytes;
  }
  return impl_->writer.end().last < version ? 0 : bytes;
}

uint64_t Wal::total_bytes() const {
  uint64_t bytes = impl_->writer.filled_bytes();
  for (size_t i = 0; i + 1 < impl_->files.size(); ++i) bytes += impl_->files[i].bytes;
  return bytes;
}

}  // namespace rawkv
