#include "blockdev/superblock.h"

#include <algorithm>
#include <cstring>

#include "base/checksum.h"
#include "base/endian.h"

namespace rawkv {

namespace {

// docs/formats/superblock.md. Bytes 0 to 23 keep their meaning in every later format, so that any build can
// distinguish damage from a format that it does not know.
constexpr char kMagic[8] = {'R', 'A', 'W', 'K', 'V', 'D', 'E', 'V'};
constexpr size_t kMagicAt = 0;
constexpr size_t kFormatAt = 8;       // u32
constexpr size_t kLengthAt = 12;      // u32, kSuperblockBytes
constexpr size_t kChecksumAt = 16;    // u64, XXH3-64 of the whole block with this field zero
constexpr size_t kSequenceAt = 24;    // u64
constexpr size_t kDeviceUuidAt = 32;  // 16 bytes
constexpr size_t kStoreUuidAt = 48;   // 16 bytes
constexpr size_t kSlotBytesAt = 64;   // u64, as all below
constexpr size_t kHeaderBytesAt = 72;
constexpr size_t kMetadataOffsetAt = 80;
constexpr size_t kMetadataBytesAt = 88;
constexpr size_t kSlotsOffsetAt = 96;
constexpr size_t kSlotCountAt = 104;
constexpr size_t kOwnerLineageAt = 112;
constexpr size_t kOwnerReuseFloorAt = 120;
constexpr size_t kOwnerOpenGenerationAt = 128;
constexpr size_t kReserveAt = 136;              // zero to the end in format 1
constexpr size_t kRecordLengthAt = kReserveAt;  // u32; format 2: the owner's record follows, then zeros
constexpr size_t kRecordAt = kRecordLengthAt + sizeof(uint32_t);

static_assert(kMagicAt + sizeof(kMagic) == kFormatAt);
static_assert(kFormatAt + sizeof(uint32_t) == kLengthAt && kLengthAt + sizeof(uint32_t) == kChecksumAt);
static_assert(kChecksumAt + sizeof(uint64_t) == kSequenceAt &&
              kSequenceAt + sizeof(uint64_t) == kDeviceUuidAt);
static_assert(kDeviceUuidAt + sizeof(Uuid) == kStoreUuidAt && kStoreUuidAt + sizeof(Uuid) == kSlotBytesAt);
static_assert(kSlotBytesAt + 9 * sizeof(uint64_t) == kReserveAt && kReserveAt < kSuperblockBytes);
static_assert(kRecordAt + kMaxOwnerRecordBytes == kSuperblockBytes);
static_assert(kSuperblockBytes == kBlockAlign,
              "a copy is one device block, the smallest unit that a device tears");

constexpr uint64_t kMetadataMinBytes = 64ull << 10;
constexpr uint64_t kMetadataMaxBytes = 1ull << 30;
constexpr uint64_t kMetadataUnit = 2 * kBlockAlign;  // two halves
constexpr uint64_t kMaxDeviceBytes = 1ull << 62;     // the sum of two fits into 64 bits

using Block = std::array<std::byte, kSuperblockBytes>;

uint64_t ChecksumOf(ConstBytes block) {
  Block copy;
  std::memcpy(copy.data(), block.data(), copy.size());
  StoreLe<uint64_t>(copy.data() + kChecksumAt, 0);
  return Xxh3(copy);
}

Uuid LoadUuid(const std::byte* from) {
  Uuid id;
  std::memcpy(id.bytes.data(), from, id.bytes.size());
  return id;
}

bool SlotAndHeaderSizesAreSane(uint64_t slot_bytes, uint64_t header_bytes) {
  return slot_bytes >= kBlockAlign && slot_bytes <= kMaxSlotBytes && IsAligned(slot_bytes) &&
         header_bytes <= kMaxSlotBytes && IsAligned(header_bytes);
}

}  // namespace

// In a sane layout every sum and product that later code computes stays below kMaxDeviceBytes (invariant 12).
bool IsSaneLayout(const DeviceLayout& l) {
  if (!SlotAndHeaderSizesAreSane(l.slot_bytes, l.header_bytes)) return false;
  if (!IsAligned(l.metadata_offset) || !IsAligned(l.metadata_bytes, kMetadataUnit) ||
      !IsAligned(l.slots_offset)) {
    return false;
  }
  if (l.metadata_offset < 2 * kSuperblockBytes || l.metadata_offset > kMaxDeviceBytes) return false;
  if (l.metadata_bytes > kMaxDeviceBytes || l.slots_offset > kMaxDeviceBytes) return false;
  if (l.slots_offset < l.metadata_offset + l.metadata_bytes) return false;
  return l.slot_count >= 1 && l.slot_count <= (kMaxDeviceBytes - l.slots_offset) / l.slot_bytes;
}

uint64_t EndOfLayout(const DeviceLayout& l) {
  return l.slots_offset + l.slot_count * l.slot_bytes;
}

DeviceLayout GrownLayout(const DeviceLayout& layout, uint64_t capacity_bytes) {
  DeviceLayout grown = layout;
  const uint64_t end = std::min(capacity_bytes, kMaxDeviceBytes);
  if (end > EndOfLayout(layout)) grown.slot_count = (end - layout.slots_offset) / layout.slot_bytes;
  return grown;
}

bool IsGrowthOf(const DeviceLayout& larger, const DeviceLayout& layout) {
  DeviceLayout same = layout;
  same.slot_count = larger.slot_count;
  return larger == same && larger.slot_count > layout.slot_count;
}

Result<DeviceLayout> PlanLayout(uint64_t capacity_bytes, uint64_t slot_bytes, uint64_t header_bytes,
                                uint64_t metadata_bytes) {
  if (!SlotAndHeaderSizesAreSane(slot_bytes, header_bytes)) {
    return Status::InvalidArgument("slot_bytes " + std::to_string(slot_bytes) + " and header_bytes " +
                                   std::to_string(header_bytes) + ": both must be multiples of " +
                                   std::to_string(kBlockAlign) + " and at most " +
                                   std::to_string(kMaxSlotBytes) + "; only header_bytes may be 0");
  }
  if (capacity_bytes > kMaxDeviceBytes) {
    return Status::InvalidArgument("capacity " + std::to_string(capacity_bytes) + ": larger than any device");
  }
  if (metadata_bytes != 0 && (metadata_bytes < kMetadataMinBytes || metadata_bytes > kMaxDeviceBytes / 4 ||
                              !IsAligned(metadata_bytes, kMetadataUnit))) {
    return Status::InvalidArgument("meta_total_bytes " + std::to_string(metadata_bytes) +
                                   ": must be 0 or a multiple of " + std::to_string(kMetadataUnit) +
                                   " from " + std::to_string(kMetadataMinBytes));
  }
  DeviceLayout layout;
  layout.slot_bytes = slot_bytes;
  layout.header_bytes = header_bytes;
  layout.metadata_offset = 2 * kSuperblockBytes;
  layout.metadata_bytes = metadata_bytes;
  if (metadata_bytes == 0) {
    layout.metadata_bytes =
        std::clamp(capacity_bytes / 64 / kMetadataUnit * kMetadataUnit, kMetadataMinBytes, kMetadataMaxBytes);
  }
  layout.slots_offset = AlignUp(layout.metadata_offset + layout.metadata_bytes, kBlockAlign);
  // An extent needs its header and at least one block of payload.
  const uint64_t least = layout.slots_offset + AlignUp(header_bytes + 1, slot_bytes);
  if (capacity_bytes < least) {
    return Status::InvalidArgument("capacity " + std::to_string(capacity_bytes) + ": at least " +
                                   std::to_string(least) + " bytes are needed for slots of " +
                                   std::to_string(slot_bytes));
  }
  layout.slot_count = (capacity_bytes - layout.slots_offset) / slot_bytes;
  return layout;
}

Block EncodeSuperblock(const Superblock& superblock) {
  RAWKV_CHECK(IsSaneLayout(superblock.layout), "only a sane layout may be written");
  RAWKV_CHECK(superblock.owner_record.size() <= kMaxOwnerRecordBytes, "the owner's record must fit");
  Block out{};
  std::byte* const to = out.data();
  const auto put = [to](size_t at, uint64_t value) { StoreLe<uint64_t>(to + at, value); };
  std::memcpy(to + kMagicAt, kMagic, sizeof(kMagic));
  StoreLe<uint32_t>(to + kFormatAt, superblock.owner_record.empty() ? 1 : kDeviceFormat);
  StoreLe<uint32_t>(to + kLengthAt, kSuperblockBytes);
  put(kSequenceAt, superblock.sequence);
  std::memcpy(to + kDeviceUuidAt, superblock.device_uuid.bytes.data(), sizeof(Uuid));
  std::memcpy(to + kStoreUuidAt, superblock.store_uuid.bytes.data(), sizeof(Uuid));
  put(kSlotBytesAt, superblock.layout.slot_bytes);
  put(kHeaderBytesAt, superblock.layout.header_bytes);
  put(kMetadataOffsetAt, superblock.layout.metadata_offset);
  put(kMetadataBytesAt, superblock.layout.metadata_bytes);
  put(kSlotsOffsetAt, superblock.layout.slots_offset);
  put(kSlotCountAt, superblock.layout.slot_count);
  put(kOwnerLineageAt, superblock.owner_lineage);
  put(kOwnerReuseFloorAt, superblock.owner_reuse_floor);
  put(kOwnerOpenGenerationAt, superblock.owner_open_generation);
  StoreLe<uint32_t>(to + kRecordLengthAt, static_cast<uint32_t>(superblock.owner_record.size()));
  std::memcpy(to + kRecordAt, superblock.owner_record.data(), superblock.owner_record.size());
  put(kChecksumAt, ChecksumOf(out));
  return out;
}

bool HasSuperblockMagic(ConstBytes block) {
  return block.size() >= sizeof(kMagic) && std::memcmp(block.data() + kMagicAt, kMagic, sizeof(kMagic)) == 0;
}

Result<Superblock> DecodeSuperblock(ConstBytes block) {
  if (!HasSuperblockMagic(block)) return Status::NotFound("no rawkv superblock");
  if (block.size() != kSuperblockBytes) {
    return Status::Corruption("superblock of " + std::to_string(block.size()) + " bytes, expected " +
                              std::to_string(kSuperblockBytes));
  }
  const std::byte* const from = block.data();
  const auto get = [from](size_t at) { return LoadLe<uint64_t>(from + at); };
  if (const uint64_t actual = ChecksumOf(block); get(kChecksumAt) != actual) {
    return Status::Corruption("superblock checksum is " + ToHex(actual) + ", expected " +
                              ToHex(get(kChecksumAt)));
  }
  const auto format = LoadLe<uint32_t>(from + kFormatAt);
  if (format == 0 || format > kDeviceFormat) {
    const std::string what =
        "device format " + std::to_string(format) + ", this build knows " + std::to_string(kDeviceFormat);
    if (format > kDeviceFormat) return Status::NotSupported(what + "; use a newer rawkv");
    return Status::Corruption(what);
  }
  // A record makes the difference between the formats, so equal content has one encoding.
  const uint64_t record_bytes = format == 1 ? 0 : LoadLe<uint32_t>(from + kRecordLengthAt);
  if (record_bytes > kMaxOwnerRecordBytes || (format == 2 && record_bytes == 0)) {
    return Status::Corruption("superblock with a record of " + std::to_string(record_bytes) + " bytes");
  }
  const size_t zeros_at = format == 1 ? kReserveAt : kRecordAt + record_bytes;
  const auto zeros = block.subspan(zeros_at);
  const bool reserve_is_zero =
      std::all_of(zeros.begin(), zeros.end(), [](std::byte b) { return b == std::byte{0}; });
  if (LoadLe<uint32_t>(from + kLengthAt) != kSuperblockBytes || !reserve_is_zero) {
    return Status::Corruption("superblock with bytes set that its format leaves zero");
  }
  Superblock out;
  out.device_uuid = LoadUuid(from + kDeviceUuidAt);
  out.store_uuid = LoadUuid(from + kStoreUuidAt);
  out.layout = {.slot_bytes = get(kSlotBytesAt),
                .header_bytes = get(kHeaderBytesAt),
                .metadata_offset = get(kMetadataOffsetAt),
                .metadata_bytes = get(kMetadataBytesAt),
                .slots_offset = get(kSlotsOffsetAt),
                .slot_count = get(kSlotCountAt)};
  out.owner_lineage = get(kOwnerLineageAt);
  out.owner_reuse_floor = get(kOwnerReuseFloorAt);
  out.owner_open_generation = get(kOwnerOpenGenerationAt);
  out.owner_record.assign(reinterpret_cast<const char*>(from + kRecordAt), record_bytes);
  out.sequence = get(kSequenceAt);
  if (!IsSaneLayout(out.layout)) return Status::Corruption("superblock with an impossible layout");
  return out;
}

namespace {

constexpr DeviceOffset OffsetOfCopy(int copy) {
  return DeviceOffset(static_cast<uint64_t>(copy) * kSuperblockBytes);
}

std::string NameOfCopy(int copy, const std::string& path) {
  return (copy == 0 ? "superblock A of " : "superblock B of ") + path;
}

// The index of the copy that counts, or the reason why none does.
Result<int> NewestCopy(const SuperblockPair& pair, const std::string& path) {
  for (const Status& status : pair.status) {
    // A newer rawkv wrote this copy. This build must not fall back to the other, older copy.
    if (status.code() == StatusCode::kNotSupported) return status;
  }
  if (pair.copy[0] && pair.copy[1]) {
    if (pair.copy[0]->device_uuid != pair.copy[1]->device_uuid) {
      return Status::Corruption("the superblocks of " + path + " belong to different devices (" +
                                pair.copy[0]->device_uuid.ToString() + ", " +
                                pair.copy[1]->device_uuid.ToString() +
                                "): a format was interrupted; format it again with --force");
    }
    return pair.copy[1]->sequence > pair.copy[0]->sequence ? 1 : 0;
  }
  if (pair.copy[0]) return 0;
  if (pair.copy[1]) return 1;
  for (const Status& status : pair.status) {
    if (status.code() != StatusCode::kNotFound) return status;
  }
  return Status::NotFound(path + ": no rawkv superblock; it was never formatted, or it is the wrong device");
}

Status WriteCopy(BlockDevice& device, int copy, const Superblock& superblock) {
  AlignedBuffer buffer(kSuperblockBytes);
  const Block block = EncodeSuperblock(superblock);
  std::memcpy(buffer.data(), block.data(), block.size());
  RAWKV_RETURN_IF_ERROR(device.Write(OffsetOfCopy(copy), buffer.bytes()));
  return device.Flush();
}

}  // namespace

Result<SuperblockPair> SuperblockStore::Inspect() {
  SuperblockPair out;
  AlignedBuffer buffer(kSuperblockBytes);
  for (const int copy : {0, 1}) {
    const std::string name = NameOfCopy(copy, device_.path());
    if (device_.geometry().capacity_bytes < 2 * kSuperblockBytes) {
      out.status[copy] = Status::NotFound(name + ": the device is too small to hold one");
      continue;
    }
    // An unreadable copy does not make the device unreadable.
    out.status[copy] = device_.Read(OffsetOfCopy(copy), buffer.bytes());
    if (!out.status[copy].ok()) continue;
    Result<Superblock> decoded = DecodeSuperblock(buffer.bytes());
    if (decoded.ok()) {
      out.copy[copy] = *std::move(decoded);
    } else {
      out.status[copy] = decoded.status().WithContext(name);
    }
  }
  return out;
}

Result<Superblock> SuperblockStore::Load() {
  RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair, Inspect());
  RAWKV_ASSIGN_OR_RETURN(const int newest, NewestCopy(pair, device_.path()));
  const Superblock& superblock = *pair.copy[newest];
  if (const uint64_t end = EndOfLayout(superblock.layout); end > device_.geometry().capacity_bytes) {
    return Status::Corruption(device_.path() + ": the device has become smaller: it has " +
                              std::to_string(device_.geometry().capacity_bytes) +
                              " bytes, and its superblock requires " + std::to_string(end) +
                              "; give it its old size again, or restore it");
  }
  return superblock;
}

Status SuperblockStore::Save(Superblock superblock) {
  RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair, Inspect());
  RAWKV_ASSIGN_OR_RETURN(const int newest, NewestCopy(pair, device_.path()));
  const Superblock& present = *pair.copy[newest];
  if (present.device_uuid != superblock.device_uuid) {
    return Status::FailedPrecondition(device_.path() + ": is device " + present.device_uuid.ToString() +
                                      ", not " + superblock.device_uuid.ToString());
  }
  // Writes one copy after the other, so that a crash tears at most one. After Save both copies hold the new
  // content, so the loss of either loses nothing that the owner relies on.
  for (const int copy : {1 - newest, newest}) {
    superblock.sequence = present.sequence + (copy == newest ? 2 : 1);
    RAWKV_RETURN_IF_ERROR(WriteCopy(device_, copy, superblock));
  }
  return Status::Ok();
}

Status SuperblockStore::Initialise(Superblock superblock) {
  for (const int copy : {0, 1}) {
    superblock.sequence = static_cast<uint64_t>(copy) + 1;
    RAWKV_RETURN_IF_ERROR(WriteCopy(device_, copy, superblock));
  }
  return Status::Ok();
}

}  // namespace rawkv
