#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"
#include "blockdev/block_device.h"

namespace rawkv {

inline constexpr uint32_t kDeviceFormat = 1;
inline constexpr uint64_t kSuperblockBytes = 4096;
inline constexpr uint64_t kMaxSlotBytes = 64ull << 20;

// Where things lie on the device. All byte figures are multiples of kBlockAlign.
struct DeviceLayout {
  uint64_t slot_bytes = 4096;    // allocation unit, kBlockAlign … kMaxSlotBytes
  uint64_t header_bytes = 0;     // at the start of each extent; 0 or a multiple of kBlockAlign
  uint64_t metadata_offset = 0;  // reserved region for an on-device metadata checkpoint
  uint64_t metadata_bytes = 0;   // two halves
  uint64_t slots_offset = 0;     // first byte of slot 0
  uint64_t slot_count = 0;

  DeviceOffset OffsetOf(SlotId slot) const { return DeviceOffset(slots_offset + slot.value() * slot_bytes); }
  friend bool operator==(const DeviceLayout&, const DeviceLayout&) = default;
};

// Divides `capacity_bytes`. kInvalidArgument if slot or header size is off or no slot would fit.
Result<DeviceLayout> PlanLayout(uint64_t capacity_bytes, uint64_t slot_bytes, uint64_t header_bytes);

struct Superblock {
  Uuid device_uuid;
  Uuid store_uuid;
  DeviceLayout layout;
  // The owner's fields; plain numbers to this layer (invariants 2 and 14).
  uint64_t owner_lineage = 0;          // newest lineage the store has told the device
  uint64_t owner_reuse_floor = 0;      // highest version below which slots were given to reuse
  uint64_t owner_open_generation = 0;  // counted up at each open
  uint64_t sequence = 0;               // of this copy; the higher valid one wins

  friend bool operator==(const Superblock&, const Superblock&) = default;
};

// Both directions in one place; docs/formats/superblock.md. Decode: kNotFound without the magic,
// kCorruption for damage, kNotSupported for a newer format.
std::array<std::byte, kSuperblockBytes> EncodeSuperblock(const Superblock& superblock);
Result<Superblock> DecodeSuperblock(ConstBytes block);
// Whether the block claims to be a superblock, valid or not: what a format must not overwrite unasked.
bool HasSuperblockMagic(ConstBytes block);

// What the two copies say.
struct SuperblockPair {
  Status status[2];  // of copy A and B
  std::optional<Superblock> copy[2];
};

// The device's two copies. Single caller at a time.
class SuperblockStore {
 public:
  explicit SuperblockStore(BlockDevice& device) : device_(device) {}
  Result<SuperblockPair> Inspect();
  // The valid copy with the higher sequence. kNotFound if neither block holds the magic,
  // kCorruption if both are damaged, kNotSupported for a newer format.
  Result<Superblock> Load();
  // Writes both copies, each flushed, the newest one last. A crash leaves the old or the new content; after
  // it has returned either copy may be lost without loss.
  Status Save(Superblock superblock);
  // Both copies, sequence 1 and 2, each flushed: for format.
  Status Initialise(Superblock superblock);

 private:
  BlockDevice& device_;
};

}  // namespace rawkv
