#include "blockdev/checkpoint_region.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checksum.h"
#include "base/endian.h"

namespace rawkv {
namespace {

// The header of a block (docs/formats/checkpoint.md).
constexpr size_t kChecksumAt = 0;  // u64, XXH3-64 of everything after it, with the padding
constexpr size_t kSequenceAt = 8;  // u64, of the checkpoint
constexpr size_t kNumberAt = 16;   // u32, from 0
constexpr size_t kUsedAt = 20;     // u32, bytes of payload
constexpr size_t kPayloadAt = 24;
static_assert(kPayloadAt == CheckpointRegion::kBlockHeaderBytes);

// Small, so that a sync of a commit does not wait for a long transfer.
constexpr uint64_t kTransferBytes = 64 << 10;

void AppendChecksum(uint64_t checksum, std::string* all) {
  char raw[sizeof(checksum)];
  StoreLe(raw, checksum);
  all->append(raw, sizeof(raw));
}

// The payload of a block that has passed its checks.
Result<std::string_view> DecodeBlock(ConstBytes block, uint64_t sequence, uint64_t number) {
  const std::byte* const from = block.data();
  const uint64_t actual = Xxh3(block.subspan(kSequenceAt));
  if (LoadLe<uint64_t>(from + kChecksumAt) != actual) {
    return Status::Corruption("block " + std::to_string(number) + ": its checksum is " + ToHex(actual) +
                              ", expected " + ToHex(LoadLe<uint64_t>(from + kChecksumAt)));
  }
  const uint64_t used = LoadLe<uint32_t>(from + kUsedAt);
  if (LoadLe<uint64_t>(from + kSequenceAt) != sequence || LoadLe<uint32_t>(from + kNumberAt) != number ||
      used > block.size() - kPayloadAt) {
    return Status::Corruption("block " + std::to_string(number) + " belongs to another checkpoint");
  }
  return AsStringView(block.subspan(kPayloadAt, used));
}

}  // namespace

std::string CheckpointRegion::NameOf(int half) const {
  return (half == 0 ? "checkpoint A of " : "checkpoint B of ") + device_.path();
}

std::array<CheckpointRegion::Half, CheckpointRegion::kHalves> CheckpointRegion::Inspect() {
  std::array<Half, kHalves> out;
  AlignedBuffer block(kCheckpointHeaderBytes);
  for (int half = 0; half < kHalves; ++half) {
    const auto i = static_cast<size_t>(half);
    out[i].status = device_.Read(OffsetOf(half), block.bytes());
    if (!out[i].status.ok()) continue;
    const Result<CheckpointHeader> header = DecodeCheckpointHeader(block.bytes());
    out[i].status = header.status();
    if (!header.ok()) continue;
    if (header->content_bytes > content_bytes_max()) {
      out[i].status = Status::Corruption("the checkpoint is longer than its half of the region");
      continue;
    }
    out[i].header = *header;
  }
  return out;
}

Status CheckpointRegion::Erase(int half) {
  AlignedBuffer zeros(kCheckpointHeaderBytes);
  std::memset(zeros.data(), 0, zeros.size());
  RAWKV_RETURN_IF_ERROR(device_.Write(OffsetOf(half), zeros.bytes()));
  return device_.Flush();
}

Status CheckpointRegion::WriteHeader(int half, const CheckpointHeader& header) {
  AlignedBuffer block(kCheckpointHeaderBytes);
  const auto bytes = EncodeCheckpointHeader(header);
  std::memcpy(block.data(), bytes.data(), bytes.size());
  RAWKV_RETURN_IF_ERROR(device_.Write(OffsetOf(half), block.bytes()));
  return device_.Flush();
}

Status CheckpointRegion::ReadContent(int half, const CheckpointHeader& header,
                                     const std::function<Status(std::string_view payload)>& fn) {
  if (header.content_bytes > content_bytes_max()) {
    return Status::Corruption(NameOf(half) + ": it is longer than its half of the region");
  }
  AlignedBuffer buffer(kBlockBytes);
  std::string checksums;
  const uint64_t begin = OffsetOf(half).value() + kCheckpointHeaderBytes;
  uint64_t number = 0;
  for (uint64_t at = 0; at < header.content_bytes; at += kBlockBytes, ++number) {
    const Bytes block = buffer.bytes().first(std::min(kBlockBytes, header.content_bytes - at));
    RAWKV_RETURN_IF_ERROR(device_.Read(DeviceOffset(begin + at), block));
    const Result<std::string_view> payload = DecodeBlock(block, header.sequence, number);
    if (!payload.ok()) return payload.status().WithContext(NameOf(half));
    AppendChecksum(LoadLe<uint64_t>(block.data() + kChecksumAt), &checksums);
    RAWKV_RETURN_IF_ERROR(fn(*payload));
  }
  if (Xxh3(AsBytes(checksums)) == header.content_checksum) return Status::Ok();
  return Status::Corruption(NameOf(half) + ": its blocks are not those that its header was written for");
}

Status CheckpointBlockWriter::Write(std::string_view payload, Place place) {
  RAWKV_CHECK(payload.size() <= CheckpointRegion::kBlockPayloadBytes, "a payload fits its block");
  const uint64_t bytes = place == Place::kLast ? AlignUp(kPayloadAt + payload.size(), kBlockAlign)
                                               : CheckpointRegion::kBlockBytes;
  if (bytes > region_.content_bytes_max() - content_bytes_) {
    return Status::NoSpace("the index needs more than the " + std::to_string(region_.content_bytes_max()) +
                           " bytes that " + region_.NameOf(half_) + " has");
  }
  std::byte* const to = buffer_.data();
  std::memset(to, 0, bytes);
  StoreLe<uint64_t>(to + kSequenceAt, sequence_);
  StoreLe<uint32_t>(to + kNumberAt, static_cast<uint32_t>(checksums_.size() / sizeof(uint64_t)));
  StoreLe<uint32_t>(to + kUsedAt, static_cast<uint32_t>(payload.size()));
  std::memcpy(to + kPayloadAt, payload.data(), payload.size());
  const uint64_t checksum = Xxh3(buffer_.bytes().first(bytes).subspan(kSequenceAt));
  StoreLe<uint64_t>(to + kChecksumAt, checksum);
  const uint64_t begin = region_.OffsetOf(half_).value() + kCheckpointHeaderBytes;
  for (uint64_t at = 0; at < bytes; at += kTransferBytes) {
    RAWKV_RETURN_IF_ERROR(
        region_.device_.Write(DeviceOffset(begin + content_bytes_ + at),
                              buffer_.bytes().subspan(at, std::min(kTransferBytes, bytes - at))));
  }
  AppendChecksum(checksum, &checksums_);
  content_bytes_ += bytes;
  return Status::Ok();
}

uint64_t CheckpointBlockWriter::content_checksum() const {
  return Xxh3(AsBytes(checksums_));
}

}  // namespace rawkv
