#include "blockdev/checkpoint_header.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/checksum.h"
#include "base/endian.h"
#include "blockdev/aligned_buffer.h"

namespace rawkv {
namespace {

// docs/formats/checkpoint.md.
constexpr char kMagic[8] = {'R', 'A', 'W', 'K', 'V', 'C', 'H', 'K'};
constexpr size_t kMagicAt = 0;
constexpr size_t kFormatAt = 8;       // u32
constexpr size_t kLengthAt = 12;      // u32, kCheckpointHeaderBytes
constexpr size_t kChecksumAt = 16;    // u64, XXH3-64 of the whole block with this field zero
constexpr size_t kSequenceAt = 24;    // u64
constexpr size_t kDeviceUuidAt = 32;  // 16 bytes
constexpr size_t kStoreUuidAt = 48;   // 16 bytes
constexpr size_t kLineageAt = 64;     // u64, as all below
constexpr size_t kVersionAt = 72;
constexpr size_t kCreatedAt = 80;
constexpr size_t kRecordsAt = 88;
constexpr size_t kContentBytesAt = 96;
constexpr size_t kContentChecksumAt = 104;
constexpr size_t kZerosAt = 112;  // to the end

static_assert(kMagicAt + sizeof(kMagic) == kFormatAt && kChecksumAt + sizeof(uint64_t) == kSequenceAt);
static_assert(kStoreUuidAt + sizeof(Uuid) == kLineageAt && kContentChecksumAt + sizeof(uint64_t) == kZerosAt);
static_assert(kCheckpointHeaderBytes == kBlockAlign,
              "the header is one device block, the smallest unit that a device tears");

using Block = std::array<std::byte, kCheckpointHeaderBytes>;

uint64_t ChecksumOf(ConstBytes block) {
  Block copy;
  std::memcpy(copy.data(), block.data(), copy.size());
  StoreLe<uint64_t>(copy.data() + kChecksumAt, 0);
  return Xxh3(copy);
}

}  // namespace

Block EncodeCheckpointHeader(const CheckpointHeader& header) {
  RAWKV_CHECK(header.sequence != 0 && header.content_bytes != 0 && IsAligned(header.content_bytes),
              "a checkpoint has a sequence and whole blocks of content");
  Block out{};
  std::byte* const to = out.data();
  const auto put = [to](size_t at, uint64_t value) { StoreLe<uint64_t>(to + at, value); };
  std::memcpy(to + kMagicAt, kMagic, sizeof(kMagic));
  StoreLe<uint32_t>(to + kFormatAt, kCheckpointFormat);
  StoreLe<uint32_t>(to + kLengthAt, kCheckpointHeaderBytes);
  put(kSequenceAt, header.sequence);
  std::memcpy(to + kDeviceUuidAt, header.device_uuid.bytes.data(), sizeof(Uuid));
  std::memcpy(to + kStoreUuidAt, header.store_uuid.bytes.data(), sizeof(Uuid));
  put(kLineageAt, header.owner_lineage);
  put(kVersionAt, header.owner_version);
  put(kCreatedAt, header.created_unix_ms);
  put(kRecordsAt, header.records);
  put(kContentBytesAt, header.content_bytes);
  put(kContentChecksumAt, header.content_checksum);
  put(kChecksumAt, ChecksumOf(out));
  return out;
}

Result<CheckpointHeader> DecodeCheckpointHeader(ConstBytes block) {
  if (block.size() != kCheckpointHeaderBytes ||
      std::memcmp(block.data() + kMagicAt, kMagic, sizeof(kMagic)) != 0) {
    return Status::NotFound("no checkpoint");
  }
  const std::byte* const from = block.data();
  const auto get = [from](size_t at) { return LoadLe<uint64_t>(from + at); };
  if (const uint64_t actual = ChecksumOf(block); get(kChecksumAt) != actual) {
    return Status::Corruption("the checksum of the checkpoint's header is " + ToHex(actual) + ", expected " +
                              ToHex(get(kChecksumAt)));
  }
  const auto format = LoadLe<uint32_t>(from + kFormatAt);
  if (format > kCheckpointFormat) {
    return Status::NotSupported("checkpoint format " + std::to_string(format) + ", this build knows " +
                                std::to_string(kCheckpointFormat) + "; use a newer rawkv");
  }
  const auto zeros = block.subspan(kZerosAt);
  const bool rest_is_zero =
      std::all_of(zeros.begin(), zeros.end(), [](std::byte b) { return b == std::byte{0}; });
  CheckpointHeader out;
  out.sequence = get(kSequenceAt);
  std::memcpy(out.device_uuid.bytes.data(), from + kDeviceUuidAt, sizeof(Uuid));
  std::memcpy(out.store_uuid.bytes.data(), from + kStoreUuidAt, sizeof(Uuid));
  out.owner_lineage = get(kLineageAt);
  out.owner_version = get(kVersionAt);
  out.created_unix_ms = get(kCreatedAt);
  out.records = get(kRecordsAt);
  out.content_bytes = get(kContentBytesAt);
  out.content_checksum = get(kContentChecksumAt);
  if (format == 0 || LoadLe<uint32_t>(from + kLengthAt) != kCheckpointHeaderBytes || !rest_is_zero ||
      out.sequence == 0 || out.content_bytes == 0 || !IsAligned(out.content_bytes)) {
    return Status::Corruption("the checkpoint's header has a field out of range");
  }
  return out;
}

}  // namespace rawkv
