#include "engine/payload/payload_io.h"

#include <algorithm>
#include <cstring>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/exception_status.h"
#include "engine/payload/extent_header.h"
#include "engine/payload/merged_reads.h"

namespace rawkv {
namespace {

// From this length on, the whole blocks of a chunk are read directly into memory without room for the padding
// of the last block, which is then a transfer of its own. For shorter ones a copy costs less than that
// transfer.
constexpr uint64_t kMinSplitBytes = 64ull << 10;
// What one batch reads. Bounds the bounce buffers, and keeps any device queue full.
constexpr uint64_t kBytesInFlight = 32 << 20;
constexpr size_t kChunksInFlight = 4096;
// Values of at least this size are written from the caller's memory if it is aligned. A smaller one is
// copied, so that it can share a transfer with its header and its neighbours.
constexpr uint64_t kDirectBytes = 64 * 1024;

uint64_t ChecksumsHash(const std::vector<uint64_t>& checksums) {
  return Xxh3(std::as_bytes(std::span(checksums)));
}

bool IsAlignedPointer(const void* p) {
  return IsAligned(reinterpret_cast<uintptr_t>(p));
}

}  // namespace

uint64_t PayloadIo::Capacity(const Extent& e) const {
  return e.count.value() * layout_.slot_bytes - layout_.header_bytes;
}

uint64_t PayloadIo::ChunkChecksum(const PayloadRef& ref, uint64_t chunk, ConstBytes bytes) const {
  ByteWriter binding;
  binding.Id(device_uuid_);
  binding.U64(ref.extents.front().first.value());
  binding.U64(ref.write_id.value());
  binding.U64(chunk);
  return Xxh3(bytes, Xxh3(AsBytes(binding.str())));
}

// The checksums of index and log do not cover this device's layout, so a reference is checked against it
// before use.
Status PayloadIo::CheckFitsDevice(const PayloadRef& ref) const {
  const uint64_t slot_count = slot_count_.load();
  uint64_t room = 0;
  for (const Extent& e : ref.extents) {
    if (e.count.value() == 0 || e.first.value() >= slot_count ||
        e.count.value() > slot_count - e.first.value() ||
        e.count.value() * layout_.slot_bytes <= layout_.header_bytes) {
      return Status::Corruption("an extent at slot " + std::to_string(e.first.value()) + " of " +
                                std::to_string(e.count.value()) + " slots does not fit the device");
    }
    room += Capacity(e);
  }
  if (FindPayloadFault(ref) != nullptr || room < ref.length) {
    return Status::Corruption("a payload of " + std::to_string(ref.length) +
                              " bytes does not fit its extents");
  }
  return Status::Ok();
}

std::vector<PayloadIo::Piece> PayloadIo::Locate(const PayloadRef& ref, uint64_t begin, uint64_t end) const {
  std::vector<Piece> pieces;
  uint64_t start = 0;  // of the extent's part in the value
  for (const Extent& e : ref.extents) {
    const uint64_t stop = std::min(start + Capacity(e), ref.length);
    const uint64_t from = std::max(begin, start);
    const uint64_t to = std::min(end, stop);
    if (from < to) {
      pieces.push_back({layout_.OffsetOf(e.first) + layout_.header_bytes + (from - start), from, to - from});
    }
    start = stop;
    if (start >= end) break;
  }
  return pieces;
}

bool PayloadIo::WritesDirectly(ConstBytes value) {
  return value.size() >= kDirectBytes && IsAlignedPointer(value.data());
}

Status PayloadIo::WriteMany(std::span<const WriteJob> jobs) {
  uint64_t copied = 0;
  for (const WriteJob& job : jobs) {
    PayloadRef& ref = *job.ref;
    const ConstBytes value = job.value;
    for (uint64_t at = 0, chunk = 0; at < value.size(); at += kPayloadChunkBytes, ++chunk) {
      ref.chunk_checksums.push_back(ChunkChecksum(
          ref, chunk, value.subspan(at, std::min<uint64_t>(kPayloadChunkBytes, value.size() - at))));
    }
    RAWKV_RETURN_IF_ERROR(CheckFitsDevice(ref));
    copied += ref.extents.size() * layout_.header_bytes +
              (WritesDirectly(value) ? kBlockAlign : AlignUp(value.size(), kBlockAlign));
  }
  AlignedBuffer kept;
  {
    MutexLock lock(kept_mu_);
    kept = std::move(kept_);
  }
  WriteWindow window(device_, copied, std::move(kept));
  for (const WriteJob& job : jobs) {
    RAWKV_RETURN_IF_ERROR(WriteHeaders(job, window));
    RAWKV_RETURN_IF_ERROR(WritePieces(job, window));
  }
  RAWKV_RETURN_IF_ERROR(window.Run());
  MutexLock lock(kept_mu_);
  kept_ = window.TakeMemory();
  return Status::Ok();
}

Status PayloadIo::WriteHeaders(const WriteJob& job, WriteWindow& window) const {
  if (layout_.header_bytes == 0) return Status::Ok();
  const PayloadRef& ref = *job.ref;
  AlignedBuffer buffer(layout_.header_bytes);
  uint64_t start = 0;
  for (size_t i = 0; i < ref.extents.size(); ++i) {
    const Extent& e = ref.extents[i];
    const uint64_t part = std::min(Capacity(e), ref.length - start);
    EncodeExtentHeader({.device_uuid = device_uuid_,
                        .first_slot = e.first,
                        .write_id = ref.write_id,
                        .value_bytes = ref.length,
                        .payload_offset = start,
                        .payload_bytes = part,
                        .extent_index = static_cast<uint32_t>(i),
                        .extent_count = static_cast<uint32_t>(ref.extents.size()),
                        .checksums_hash = ChecksumsHash(ref.chunk_checksums),
                        .key = std::string(job.key)},
                       buffer.bytes());
    RAWKV_RETURN_IF_ERROR(window.WriteCopy(layout_.OffsetOf(e.first), buffer.bytes()));
    start += part;
  }
  return Status::Ok();
}

Status PayloadIo::WritePieces(const WriteJob& job, WriteWindow& window) const {
  const bool direct = WritesDirectly(job.value);
  for (const Piece& piece : Locate(*job.ref, 0, job.value.size())) {
    const ConstBytes bytes = job.value.subspan(piece.value_offset, piece.bytes);
    // The last block with its padding is a copy in any case.
    const uint64_t whole = direct ? bytes.size() / kBlockAlign * kBlockAlign : 0;
    RAWKV_RETURN_IF_ERROR(window.WriteDirect(piece.offset, bytes.first(whole)));
    RAWKV_RETURN_IF_ERROR(window.WriteCopy(piece.offset + whole, bytes.subspan(whole)));
  }
  return Status::Ok();
}

Status PayloadIo::Read(ReadJob job) {
  ReadMany(std::span(&job, 1));
  return job.status;
}

void PayloadIo::ReadMany(std::span<ReadJob> jobs) {
  std::vector<ChunkRead> chunks;
  uint64_t bytes = 0;  // of `chunks`
  for (ReadJob& job : jobs) {
    job.status = CheckFitsDevice(*job.ref);
    if (!job.status.ok() || job.length == 0) continue;
    RAWKV_CHECK(job.offset + job.length <= job.ref->length && job.length <= job.out.size(),
                "range in bounds");
    for (uint64_t chunk = FirstChunk(job); chunk <= LastChunk(job); ++chunk) {
      chunks.push_back(MakeChunk(job, chunk));
      bytes += AlignUp(chunks.back().bytes, kBlockAlign);
      if (chunks.size() == kChunksInFlight || bytes + kPayloadChunkBytes > kBytesInFlight) {
        ReadChunks(chunks);
        chunks.clear();
        bytes = 0;
      }
    }
  }
  if (!chunks.empty()) ReadChunks(chunks);
}

uint64_t PayloadIo::FirstChunk(const ReadJob& job) {
  return job.offset / kPayloadChunkBytes;
}

uint64_t PayloadIo::LastChunk(const ReadJob& job) {
  return (job.offset + job.length - 1) / kPayloadChunkBytes;
}

PayloadIo::ChunkRead PayloadIo::MakeChunk(ReadJob& job, uint64_t chunk) {
  const uint64_t begin = chunk * kPayloadChunkBytes;
  return {.job = &job,
          .chunk = chunk,
          .begin = begin,
          .bytes = std::min(kPayloadChunkBytes, job.ref->length - begin)};
}

void PayloadIo::PlanChunk(ChunkRead& c, std::vector<IoRequest>& batch) const {
  const ReadJob& job = *c.job;
  const uint64_t padded = AlignUp(c.bytes, kBlockAlign);
  const uint64_t whole = c.bytes / kBlockAlign * kBlockAlign;
  const uint64_t at = c.begin - std::min(c.begin, job.offset);  // in `out`, if the chunk begins there
  const bool wanted_whole = c.begin >= job.offset && c.begin + c.bytes <= job.offset + job.length;
  const bool aligned = wanted_whole && IsAlignedPointer(job.out.data() + at);
  if (aligned && at + padded <= job.out.size()) {
    c.target = job.out.subspan(at, padded);
  } else if (aligned && whole >= kMinSplitBytes) {
    c.target = job.out.subspan(at, whole);
    c.bounce = AlignedBuffer(kBlockAlign);
  } else {
    c.bounce = AlignedBuffer(padded);
    c.target = c.bounce.bytes();
  }
  const auto read = [&](DeviceOffset offset, Bytes buffer) {
    if (buffer.empty()) return;
    batch.push_back({.kind = IoKind::kRead, .offset = offset, .buffer = buffer});
    ++c.pending;
  };
  for (const Piece& piece : Locate(*job.ref, c.begin, c.begin + c.bytes)) {
    const uint64_t from = piece.value_offset - c.begin;
    const uint64_t bytes = AlignUp(piece.bytes, kBlockAlign);
    const uint64_t direct = std::min(bytes, c.target.size() - from);
    read(piece.offset, c.target.subspan(from, direct));
    if (direct < bytes) read(piece.offset + direct, c.bounce.bytes());
  }
}

Status PayloadIo::FinishChunk(const ChunkRead& c) const {
  const ReadJob& job = *c.job;
  ConstBytes content = c.target;
  if (c.target.size() < c.bytes) {
    const uint64_t rest = c.bytes - c.target.size();
    std::memcpy(c.target.data() + c.target.size(), c.bounce.data(), rest);
    content = job.out.subspan(c.begin - job.offset);
  }
  content = content.first(c.bytes);
  if (ChunkChecksum(*job.ref, c.chunk, content) != job.ref->chunk_checksums[c.chunk]) {
    return Status::Corruption(device_.path() + ": payload checksum mismatch in chunk " +
                              std::to_string(c.chunk) + " of the extent at slot " +
                              std::to_string(job.ref->extents.front().first.value()) + " (offset " +
                              std::to_string(layout_.OffsetOf(job.ref->extents.front().first).value()) + ")");
  }
  if (c.target.data() != c.bounce.data()) return Status::Ok();
  const uint64_t from = std::max(c.begin, job.offset);
  const uint64_t to = std::min(c.begin + c.bytes, job.offset + job.length);
  std::memcpy(job.out.data() + (from - job.offset), content.data() + (from - c.begin), to - from);
  return Status::Ok();
}

void PayloadIo::ReadChunks(std::span<ChunkRead> chunks) {
  std::vector<IoRequest> batch;
  std::vector<uint32_t> owner;
  for (uint32_t i = 0; i < chunks.size(); ++i) {
    PlanChunk(chunks[i], batch);
    owner.resize(batch.size(), i);
  }
  const auto on_done = [&](size_t index) {
    ChunkRead& c = chunks[owner[index]];
    if (!batch[index].status.ok() && c.status.ok()) c.status = batch[index].status;
    if (--c.pending != 0) return;
    if (c.status.ok()) c.status = NoThrow([&] { return FinishChunk(c); });
    if (!c.status.ok() && c.job->status.ok()) c.job->status = c.status;
  };
  ReadMerged(device_, batch, on_done);
}

Status PayloadIo::CheckHeaders(std::string_view key, const PayloadRef& ref) {
  if (layout_.header_bytes == 0) return Status::Ok();
  AlignedBuffer buffer(layout_.header_bytes);
  for (size_t i = 0; i < ref.extents.size(); ++i) {
    const std::string where = "extent at slot " + std::to_string(ref.extents[i].first.value());
    RAWKV_RETURN_IF_ERROR(device_.Read(layout_.OffsetOf(ref.extents[i].first), buffer.bytes()));
    Result<ExtentHeader> header = DecodeExtentHeader(buffer.bytes());
    if (!header.ok()) return header.status().WithContext(where);
    if (header->key != key || header->write_id != ref.write_id || header->value_bytes != ref.length ||
        header->first_slot != ref.extents[i].first || header->extent_index != i ||
        header->device_uuid != device_uuid_ || header->checksums_hash != ChecksumsHash(ref.chunk_checksums)) {
      return Status::Corruption(where + ": its header names another value");
    }
  }
  return Status::Ok();
}

Status PayloadIo::Verify(std::string_view key, const PayloadRef& ref) {
  RAWKV_RETURN_IF_ERROR(CheckFitsDevice(ref));
  return VerifyPart(key, ref, 0, ref.length);
}

Status PayloadIo::VerifyPart(std::string_view key, const PayloadRef& ref, uint64_t offset, uint64_t length) {
  RAWKV_RETURN_IF_ERROR(CheckFitsDevice(ref));
  if (offset == 0) RAWKV_RETURN_IF_ERROR(CheckHeaders(key, ref));
  constexpr uint64_t kWindow = kChunksInFlight / 4 * kPayloadChunkBytes;
  AlignedBuffer buffer(std::min(kWindow, AlignUp(length, kBlockAlign)));
  const uint64_t end = offset + length;
  for (uint64_t at = offset; at < end; at += kWindow) {
    RAWKV_RETURN_IF_ERROR(Read({.ref = &ref,
                                .offset = at,
                                .length = std::min(kWindow, end - at),
                                .out = buffer.bytes(),
                                .status = {}}));
  }
  return Status::Ok();
}

}  // namespace rawkv
