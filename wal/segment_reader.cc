#include "wal/segment_reader.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/limits.h"

namespace rawkv {
namespace {

// Large enough to read many small records with one system call, small enough to keep while a store is idle.
constexpr uint64_t kWindowBytes = 256 * 1024;

}  // namespace

LogRecord ToLogRecord(const Frame& frame) {
  return {.head = {.version = frame.header.version,
                   .lineage = frame.header.lineage,
                   .time_unix_ms = frame.time_unix_ms,
                   .durable_through = frame.header.durable_through},
          .body = frame.body};
}

Result<SegmentReader> SegmentReader::OpenFile(const WalContext& context, const SegmentFile& file) {
  SegmentReader reader;
  reader.context_ = &context;
  reader.path_ = file.path;
  reader.seed_ = FrameSeed(context.store_uuid);
  Result<std::unique_ptr<File>> opened = context.fs->Open(file.path, OpenMode::kRead);
  if (!opened.ok() && opened.status().code() == StatusCode::kNotFound) {
    return Status::Corruption(file.path + ": segment has vanished");
  }
  if (!opened.ok()) return opened.status();
  reader.file_ = std::move(opened).value();
  RAWKV_ASSIGN_OR_RETURN(reader.size_, reader.file_->Size());
  if (reader.size_ > kMaxSegmentBytes) {
    return Status::Corruption(file.path + ": larger than any segment (" + std::to_string(reader.size_) +
                              " bytes)");
  }
  return reader;
}

Result<SegmentReader> SegmentReader::Open(const WalContext& context, const SegmentFile& file) {
  RAWKV_ASSIGN_OR_RETURN(SegmentReader reader, OpenFile(context, file));
  RAWKV_ASSIGN_OR_RETURN(const ConstBytes raw, reader.ReadWindow(0, kSegmentHeaderBytes));
  RAWKV_ASSIGN_OR_RETURN(reader.header_, DecodeSegmentHeader(raw, file.path));
  if (reader.header_.store_uuid != context.store_uuid) {
    return Status::Corruption(file.path + ": belongs to store " + reader.header_.store_uuid.ToString() +
                              ", not to " + context.store_uuid.ToString());
  }
  if (reader.header_.first != file.first) {
    return Status::Corruption(file.path + ": begins at version " + ToString(reader.header_.first) +
                              ", not at the one it is named after");
  }
  reader.point_ = {.offset = kSegmentHeaderBytes,
                   .checksum = reader.header_.checksum,
                   .last = Previous(reader.header_.first)};
  return reader;
}

Result<std::optional<Frame>> SegmentReader::Next() {
  RAWKV_ASSIGN_OR_RETURN(const ConstBytes raw, ReadWindow(point_.offset, kFrameHeaderBytes));
  FrameHeader head;
  switch (ParseFrameHeader(raw, seed_, &head)) {
    case FrameParse::kNone:
      return RejectFrame(AllZero(raw) ? "nothing written" : "no intact frame header");
    case FrameParse::kNewer:
      return Status::NotSupported(path_ + ": frame of a newer format at offset " +
                                  std::to_string(point_.offset));
    case FrameParse::kValid:
      break;
  }
  const bool record = head.kind == FrameKind::kRecord;
  if (head.offset != point_.offset) return RejectFrame("frame written for another place");
  if (!OnChain(context_->chain, head)) return RejectFrame("frame of an abandoned branch");
  if (head.prev_checksum != point_.checksum) return RejectFrame("frame does not follow its predecessor");
  if (head.version != (record ? rawkv::Next(point_.last) : point_.last))
    return RejectFrame("unexpected version");
  if (head.durable_through > point_.last) return RejectFrame("frame claims an unwritten version as durable");
  const uint64_t framed_bytes = FramedBytes(head.payload_bytes);
  if (framed_bytes > size_ - point_.offset) return RejectFrame("frame cut short by the end of the file");

  RAWKV_ASSIGN_OR_RETURN(const ConstBytes payload,
                         ReadWindow(point_.offset + kFrameHeaderBytes, head.payload_bytes));
  if (payload.size() != head.payload_bytes) return RejectFrame("frame cut short by the end of the file");
  if (Xxh3(payload, seed_) != head.payload_checksum) return RejectFrame("payload checksum mismatch");

  Frame frame{.header = head, .time_unix_ms = 0, .body = {}};
  if (record) {
    frame.time_unix_ms = LoadLe<uint64_t>(payload.data());
    frame.body = payload.subspan(kRecordTimeBytes);
  }
  point_ = {.offset = point_.offset + framed_bytes, .checksum = head.checksum, .last = head.version};
  durable_through_ = std::max(durable_through_, head.durable_through);
  return std::optional<Frame>(frame);
}

Result<SegmentReader> SegmentReader::OpenIgnoringHeader(const WalContext& context, const SegmentFile& file) {
  return OpenFile(context, file);
}

Status SegmentReader::ForEachFrame(uint64_t from, uint64_t to,
                                   const std::function<bool(const FrameHeader&)>& fn) {
  for (uint64_t offset = from; offset < to; offset += kFrameStepBytes) {
    RAWKV_ASSIGN_OR_RETURN(const ConstBytes raw, ReadWindow(offset, kFrameHeaderBytes));
    FrameHeader head;
    const FrameParse parsed = ParseFrameHeader(raw, seed_, &head);
    if (parsed == FrameParse::kNewer) {
      return Status::NotSupported(path_ + ": frame of a newer format at offset " + std::to_string(offset));
    }
    if (parsed != FrameParse::kValid || head.offset != offset) continue;
    if (OnChain(context_->chain, head) && !fn(head)) break;
  }
  return {};
}

Result<SegmentTail> SegmentReader::InspectTail() {
  SegmentTail tail;
  RAWKV_ASSIGN_OR_RETURN(tail.nonzero_end, FindNonZeroEnd(*file_, point_.offset));
  const Version missing = rawkv::Next(point_.last);
  RAWKV_RETURN_IF_ERROR(ForEachFrame(point_.offset, tail.nonzero_end, [&](const FrameHeader& head) {
    if (head.version < missing) return true;
    if (!tail.later) tail.later = head;
    tail.proves_durable = tail.proves_durable || head.durable_through >= missing;
    return true;
  }));
  return tail;
}

Result<bool> SegmentReader::SeekRecord(Version version) {
  bool found = false;
  RAWKV_RETURN_IF_ERROR(ForEachFrame(kSegmentHeaderBytes, size_, [&](const FrameHeader& head) {
    if (head.kind != FrameKind::kRecord || head.version != version) return true;
    point_ = {.offset = head.offset, .checksum = head.prev_checksum, .last = Previous(version)};
    found = true;
    return false;
  }));
  return found;
}

Result<Version> SegmentReader::FindNewestVersion() {
  Version newest;
  RAWKV_RETURN_IF_ERROR(ForEachFrame(kSegmentHeaderBytes, size_, [&](const FrameHeader& head) {
    newest = std::max(newest, head.version);
    return true;
  }));
  return newest;
}

Result<ConstBytes> SegmentReader::ReadWindow(uint64_t offset, uint64_t length) {
  if (offset >= size_) return ConstBytes();
  length = std::min(length, size_ - offset);
  const bool held = offset >= window_begin_ && offset + length <= window_begin_ + window_bytes_;
  if (!held) {
    const uint64_t wanted = std::min(std::max(length, kWindowBytes), size_ - offset);
    if (window_.size() < wanted) window_.resize(wanted);
    window_bytes_ = 0;  // a failed read leaves the window empty
    RAWKV_ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(offset, Bytes(window_).first(wanted)));
    window_begin_ = offset;
    window_bytes_ = got;
  }
  const uint64_t available = window_begin_ + window_bytes_ - offset;
  return ConstBytes(window_).subspan(offset - window_begin_, std::min(length, available));
}

std::optional<Frame> SegmentReader::RejectFrame(const char* why) {
  why_ = why;
  return std::nullopt;
}

Result<uint64_t> FindNonZeroEnd(File& file, uint64_t from) {
  RAWKV_ASSIGN_OR_RETURN(uint64_t end, file.Size());
  std::vector<std::byte> block(kWindowBytes);
  while (end > from) {
    const uint64_t begin = std::max(from, end - std::min(end, kWindowBytes));
    RAWKV_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(begin, Bytes(block).first(end - begin)));
    // Most segments end in many zeros, which AllZero skips fast.
    if (!AllZero(ConstBytes(block).first(got))) {
      size_t length = got;
      while (block[length - 1] == std::byte{0}) --length;
      return begin + length;
    }
    end = begin;
  }
  return from;
}

}  // namespace rawkv
