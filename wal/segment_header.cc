#include "wal/segment_header.h"

#include <algorithm>
#include <string_view>

#include "base/checksum.h"
#include "base/endian.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

constexpr std::string_view kMagic = "RAWKVLOG";

constexpr size_t kMagicAt = 0;          // 8 bytes
constexpr size_t kFormatAt = 8;         // u32
constexpr size_t kReserved32At = 12;    // u32, zero
constexpr size_t kStoreUuidAt = 16;     // 16 bytes
constexpr size_t kLineageAt = 32;       // u64
constexpr size_t kFirstAt = 40;         // u64
constexpr size_t kPrevChecksumAt = 48;  // u64
constexpr size_t kReserveAt = 56;       // zeros
constexpr size_t kChecksumAt = 4088;    // u64, over all before it

static_assert(kMagic.size() == kFormatAt - kMagicAt);
static_assert(kReserved32At + sizeof(uint32_t) == kStoreUuidAt);
static_assert(kStoreUuidAt + sizeof(Uuid::bytes) == kLineageAt);
static_assert(kPrevChecksumAt + sizeof(uint64_t) == kReserveAt);
static_assert(kChecksumAt + sizeof(uint64_t) == kSegmentHeaderBytes);

}  // namespace

std::string EncodeSegmentHeader(SegmentHeader* header) {
  std::string out(kSegmentHeaderBytes, '\0');
  kMagic.copy(out.data() + kMagicAt, kMagic.size());
  StoreLe<uint32_t>(out.data() + kFormatAt, kWalFormat);
  AsStringView(header->store_uuid.bytes).copy(out.data() + kStoreUuidAt, sizeof(Uuid::bytes));
  StoreLe<uint64_t>(out.data() + kLineageAt, header->lineage.value());
  StoreLe<uint64_t>(out.data() + kFirstAt, header->first.value());
  StoreLe<uint64_t>(out.data() + kPrevChecksumAt, header->prev_checksum);
  header->checksum = Xxh3(AsBytes(out).first(kChecksumAt));
  StoreLe<uint64_t>(out.data() + kChecksumAt, header->checksum);
  return out;
}

Result<SegmentHeader> DecodeSegmentHeader(ConstBytes bytes, const std::string& path) {
  const std::string_view in = AsStringView(bytes);
  if (in.size() < kSegmentHeaderBytes) {
    return Status::Corruption(path + ": cut short inside the segment header");
  }
  if (in.substr(kMagicAt, kMagic.size()) != kMagic) {
    return Status::Corruption(path + ": segment header damaged, or not a log segment");
  }
  // The checksum is checked before the format: every later format keeps magic, format and checksum in place.
  const uint64_t checksum = LoadLe<uint64_t>(in.data() + kChecksumAt);
  if (checksum != Xxh3(bytes.first(kChecksumAt))) {
    return Status::Corruption(path + ": segment header damaged (checksum)");
  }
  const uint32_t format = LoadLe<uint32_t>(in.data() + kFormatAt);
  if (format > kWalFormat) {
    return Status::NotSupported(path + ": log format " + std::to_string(format) +
                                ", this build reads up to " + std::to_string(kWalFormat));
  }
  const ConstBytes reserve = bytes.subspan(kReserveAt, kChecksumAt - kReserveAt);
  if (format != kWalFormat || LoadLe<uint32_t>(in.data() + kReserved32At) != 0 ||
      std::any_of(reserve.begin(), reserve.end(), [](std::byte b) { return b != std::byte{0}; })) {
    return Status::Corruption(path + ": segment header has impossible fields");
  }
  SegmentHeader header{.store_uuid = {},
                       .lineage = Lineage(LoadLe<uint64_t>(in.data() + kLineageAt)),
                       .first = Version(LoadLe<uint64_t>(in.data() + kFirstAt)),
                       .prev_checksum = LoadLe<uint64_t>(in.data() + kPrevChecksumAt),
                       .checksum = checksum};
  const ConstBytes uuid = bytes.subspan(kStoreUuidAt, header.store_uuid.bytes.size());
  std::copy(uuid.begin(), uuid.end(), header.store_uuid.bytes.begin());
  return header;
}

}  // namespace rawkv
