#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"
#include "blockdev/block_device.h"

namespace rawkv {

inline constexpr uint32_t kDeviceFormat = 2;
inline constexpr uint64_t kSuperblockBytes = 4096;
inline constexpr uint64_t kMaxOwnerRecordBytes = 3956;

// The layout of the device. All sizes and offsets in bytes are multiples of kBlockAlign.
struct DeviceLayout {
  uint64_t slot_bytes = 4096;    // allocation unit, kBlockAlign … kMaxSlotBytes
  uint64_t header_bytes = 0;     // at the start of each extent; 0 or a multiple of kBlockAlign
  uint64_t metadata_offset = 0;  // region for checkpoints of the index (checkpoint_region.h)
  uint64_t metadata_bytes = 0;   // two halves
  uint64_t slots_offset = 0;     // first byte of slot 0
  uint64_t slot_count = 0;

  DeviceOffset OffsetOf(SlotId slot) const { return DeviceOffset(slots_offset + slot.value() * slot_bytes); }
  friend bool operator==(const DeviceLayout&, const DeviceLayout&) = default;
};

// Divides `capacity_bytes` into a layout. `metadata_bytes` 0: a 64th of the capacity. kInvalidArgument if a
// size is invalid or no slot would fit.
Result<DeviceLayout> PlanLayout(uint64_t capacity_bytes, uint64_t slot_bytes, uint64_t header_bytes,
                                uint64_t metadata_bytes = 0);
// Whether a layout from disk is one that a superblock may hold: aligned, ordered, without overflow.
bool IsSaneLayout(const DeviceLayout& layout);
// The first byte after the last slot of a sane layout.
uint64_t EndOfLayout(const DeviceLayout& layout);
// The layout with as many slots as fit `capacity_bytes`; everything else keeps its place. The same layout if
// the device is not larger.
DeviceLayout GrownLayout(const DeviceLayout& layout, uint64_t capacity_bytes);
// Whether `larger` is `layout` after a growth: it has more slots, and is equal otherwise.
bool IsGrowthOf(const DeviceLayout& larger, const DeviceLayout& layout);

struct Superblock {
  Uuid device_uuid;
  Uuid store_uuid;
  DeviceLayout layout;
  // The owner's fields, which are plain numbers to this layer (invariants 2 and 14).
  uint64_t owner_lineage = 0;          // newest lineage that the store has written here
  uint64_t owner_reuse_floor = 0;      // highest floor at which slots were given out again
  uint64_t owner_open_generation = 0;  // increased at each open
  std::string owner_record;            // the owner's own bytes, at most kMaxOwnerRecordBytes; may be empty
  uint64_t sequence = 0;               // of this copy; the valid copy with the higher number counts

  friend bool operator==(const Superblock&, const Superblock&) = default;
};

// Format: docs/formats/superblock.md. DecodeSuperblock returns kNotFound without the magic, kCorruption for
// damage and kNotSupported for a newer format.
std::array<std::byte, kSuperblockBytes> EncodeSuperblock(const Superblock& superblock);
Result<Superblock> DecodeSuperblock(ConstBytes block);
// Whether the block begins as a superblock, valid or not. `format` does not overwrite such a block without
// --force.
bool HasSuperblockMagic(ConstBytes block);

// The two copies, as read.
struct SuperblockPair {
  Status status[2];  // of copy A and B
  std::optional<Superblock> copy[2];
};

// Reads and writes the two copies on a device. One caller at a time may write; others may read meanwhile.
class SuperblockStore {
 public:
  explicit SuperblockStore(BlockDevice& device) : device_(device) {}
  Result<SuperblockPair> Inspect();
  // The valid copy with the higher sequence. kNotFound if neither block holds the magic,
  // kCorruption if both are damaged, kNotSupported for a newer format.
  Result<Superblock> Load();
  // Writes and flushes one copy after the other, the newest one last. A crash leaves the old or the new
  // content. After Save has returned, the loss of either copy loses no content.
  Status Save(Superblock superblock);
  // For `format`: writes and flushes both copies, with sequence 1 and 2.
  Status Initialise(Superblock superblock);

 private:
  BlockDevice& device_;
};

}  // namespace rawkv
