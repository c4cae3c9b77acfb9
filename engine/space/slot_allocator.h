#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/extent.h"
#include "base/mutex.h"
#include "base/result.h"
#include "blockdev/superblock.h"
#include "engine/index/key_index.h"
#include "engine/space/allocation_txn.h"

namespace rawkv {

// Gives out slots. The index keeps the live and deferred slots; only an AllocationTxn changes them. The
// allocator keeps the reserved slots in memory, so that a crash forgets them (invariant 3).
//
// Thread-safe. Begin and Merge are for the holder of the write right.
class SlotAllocator {
 public:
  // `taken_slots` and `cursor` come from the meta record. The index must outlive the allocator.
  SlotAllocator(KeyIndex& index, const DeviceLayout& layout, uint64_t taken_slots, SlotId cursor);

  // More extents would make the value's index entry and its reads too costly.
  static constexpr uint64_t kMaxExtents = 256;
  // Reserves slots for a payload until Merge or Release. Waits for a held run (HoldFreeRun) if the payload
  // finds no room without it. kNoSpace: the free slots do not suffice; nothing is reserved.
  Result<std::vector<Extent>> Reserve(uint64_t payload_bytes);
  // Ends a reservation: of slots that were not used, or of freed slots after their readers have left (Merge).
  void Release(const std::vector<Extent>& extents);

  // Free slots that follow each other, and the slot at which the next search begins.
  struct FreeRun {
    std::optional<Extent> run;  // absent: the part of the device that was searched has no free slot
    SlotId next;
  };
  // Holds the first free slots at or after `from`, at most `max_slots`, so that nobody gets them before
  // ReturnRun. Searches at most 16 pages. Held slots count as free. Waits while a Reserve waits for held
  // slots, so that it never takes a commit's last room from it. Each run must be returned soon.
  Result<FreeRun> HoldFreeRun(SlotId from, uint64_t max_slots);
  void ReturnRun(const Extent& run);

  AllocationTxn Begin();
  // Takes over the pages of a transaction whose batch was applied. The extents in `taken` were reserved and
  // are live now. The extents in `freed` are free in the index, but stay reserved until Release, so that the
  // caller can wait for readers.
  void Merge(const AllocationTxn& txn, const std::vector<Extent>& taken, const std::vector<Extent>& freed);

  // The device has more slots now, which are free.
  void GrowTo(uint64_t slot_count);

  uint64_t total_slots() const;
  uint64_t reserved_slots() const;  // without held runs
  uint64_t free_slots() const;      // neither taken nor reserved
  SlotId cursor() const;

 private:
  Result<AllocationPage> LoadPage(uint64_t number);
  Result<const AllocationPage*> CachedPage(uint64_t number) RAWKV_REQUIRES(mu_);
  // Page `number` with the bits of taken, reserved and absent slots set.
  RunFinder::PageBits OccupiedBits(uint64_t number, const AllocationPage& page) RAWKV_REQUIRES(mu_);
  Result<std::vector<Extent>> FindAndReserve(uint64_t payload_bytes) RAWKV_REQUIRES(mu_);
  void SetReserved(const Extent& extent, bool reserved) RAWKV_REQUIRES(mu_);

  KeyIndex& index_;
  const DeviceLayout layout_;  // for everything but the number of slots
  mutable Mutex mu_;
  uint64_t slot_count_ RAWKV_GUARDED_BY(mu_);
  CondVar held_changed_;                                                      // held_ or waiting_ became 0
  std::unordered_map<uint64_t, AllocationPage> pages_ RAWKV_GUARDED_BY(mu_);  // cache of the index's pages
  std::unordered_map<uint64_t, RunFinder::PageBits> reserved_ RAWKV_GUARDED_BY(mu_);
  uint64_t reserved_count_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t held_ RAWKV_GUARDED_BY(mu_) = 0;     // slots in held runs, which are reserved, too
  uint64_t waiting_ RAWKV_GUARDED_BY(mu_) = 0;  // calls of Reserve that wait for held runs
  uint64_t taken_ RAWKV_GUARDED_BY(mu_);
  SlotId cursor_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
