#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/extent.h"
#include "base/mutex.h"
#include "base/result.h"
#include "blockdev/superblock.h"
#include "engine/index/key_index.h"
#include "engine/space/allocation_txn.h"

namespace rawkv {

// Gives out slots. What the index says is persistent and moves only through AllocationTxn; what is
// given out but not committed lives here, in memory, and is forgotten by a crash (invariant 3).
//
// Thread-safe. Begin/Merge are for the holder of the write right.
class SlotAllocator {
 public:
  // `taken_slots` and `cursor` as in the meta record. The index must outlive the allocator.
  SlotAllocator(KeyIndex& index, const DeviceLayout& layout, uint64_t taken_slots, SlotId cursor);

  // A value in more pieces would make its index entry and its reads too costly.
  static constexpr uint64_t kMaxExtents = 256;
  // Slots for a payload, held against every other caller until Merge or Release. kNoSpace.
  Result<std::vector<Extent>> Reserve(uint64_t payload_bytes);
  // Given back unused, or let go after a drain (see Hold).
  void Release(const std::vector<Extent>& extents);

  AllocationTxn Begin();
  // The transaction's batch is applied: its pages are the truth now. `taken` extents, reserved
  // before, are live; `freed` ones are free in the index but stay held until Release, so that
  // readers under way can be waited for.
  void Merge(const AllocationTxn& txn, const std::vector<Extent>& taken, const std::vector<Extent>& freed);

  uint64_t total_slots() const { return layout_.slot_count; }
  uint64_t reserved_slots() const;
  uint64_t free_slots() const;  // neither taken nor reserved
  SlotId cursor() const;

 private:
  Result<AllocationPage> LoadPage(uint64_t number);
  Result<const AllocationPage*> CachedPage(uint64_t number) RAWKV_REQUIRES(mu_);
  void SetReserved(const Extent& extent, bool reserved) RAWKV_REQUIRES(mu_);

  KeyIndex& index_;
  const DeviceLayout layout_;
  mutable Mutex mu_;
  std::unordered_map<uint64_t, AllocationPage> pages_ RAWKV_GUARDED_BY(mu_);  // read-through
  std::unordered_map<uint64_t, RunFinder::PageBits> reserved_ RAWKV_GUARDED_BY(mu_);
  uint64_t reserved_count_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t taken_ RAWKV_GUARDED_BY(mu_);
  SlotId cursor_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
