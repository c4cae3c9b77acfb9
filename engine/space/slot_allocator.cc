#include "engine/space/slot_allocator.h"

#include <algorithm>

#include "base/check.h"
#include "blockdev/run_finder.h"
#include "blockdev/slot_bitmap.h"

namespace rawkv {

constexpr uint64_t kSlots = AllocationPage::kSlots;

SlotAllocator::SlotAllocator(KeyIndex& index, const DeviceLayout& layout, uint64_t taken_slots, SlotId cursor)
    : index_(index), layout_(layout), slot_count_(layout.slot_count), taken_(taken_slots), cursor_(cursor) {}

Result<const AllocationPage*> SlotAllocator::CachedPage(uint64_t number) {
  auto it = pages_.find(number);
  if (it == pages_.end()) {
    RAWKV_ASSIGN_OR_RETURN(const AllocationPage page, index_.Page(number));
    it = pages_.emplace(number, page).first;
  }
  return &it->second;
}

Result<AllocationPage> SlotAllocator::LoadPage(uint64_t number) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const AllocationPage* const page, CachedPage(number));
  return *page;
}

void SlotAllocator::SetReserved(const Extent& extent, bool reserved) {
  const uint64_t end = extent.end().value();
  for (uint64_t slot = extent.first.value(); slot < end;) {
    const uint64_t count = std::min(kSlots - slot % kSlots, end - slot);
    RunFinder::PageBits& bits = reserved_[slot / kSlots];
    RAWKV_CHECK(CountSlots(bits, slot % kSlots, count) == (reserved ? 0 : count),
                "a slot is reserved once and released once");
    if (reserved) {
      SetSlots(bits, slot % kSlots, count);
    } else {
      ClearSlots(bits, slot % kSlots, count);
    }
    slot += count;
  }
  reserved_count_ += reserved ? extent.count.value() : -extent.count.value();
}

RunFinder::PageBits SlotAllocator::OccupiedBits(uint64_t number, const AllocationPage& page) {
  RunFinder::PageBits occupied = page.taken;
  if (const auto it = reserved_.find(number); it != reserved_.end()) {
    for (size_t i = 0; i < occupied.size(); ++i) occupied[i] |= it->second[i];
  }
  const uint64_t in_page = std::min(kSlots, slot_count_ - number * kSlots);
  SetSlots(occupied, in_page, kSlots - in_page);
  return occupied;
}

Result<std::vector<Extent>> SlotAllocator::Reserve(uint64_t payload_bytes) {
  MutexLock lock(mu_);
  while (true) {
    Result<std::vector<Extent>> extents = FindAndReserve(payload_bytes);
    if (extents.status().code() != StatusCode::kNoSpace || held_ == 0) return extents;
    ++waiting_;
    while (held_ != 0) held_changed_.Wait(mu_);
    if (--waiting_ == 0) held_changed_.NotifyAll();
  }
}

Result<std::vector<Extent>> SlotAllocator::FindAndReserve(uint64_t payload_bytes) {
  RunFinder::PageBits occupied{};
  const auto load = [&](uint64_t number)
                        RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Result<const RunFinder::PageBits*> {
    RAWKV_ASSIGN_OR_RETURN(const AllocationPage* const page, CachedPage(number));
    occupied = OccupiedBits(number, *page);
    return &occupied;
  };
  const auto hint = [&](uint64_t number) RAWKV_NO_THREAD_SAFETY_ANALYSIS -> uint64_t {
    const auto it = pages_.find(number);
    return it == pages_.end() ? kSlots : kSlots - it->second.TakenCount();
  };
  if (taken_ + reserved_count_ >= slot_count_) {
    return Status::NoSpace("the device is full: no free slot of " + std::to_string(slot_count_));
  }
  RAWKV_ASSIGN_OR_RETURN(std::vector<Extent> extents, RunFinder::Find({.payload_bytes = payload_bytes,
                                                                       .slot_bytes = layout_.slot_bytes,
                                                                       .header_bytes = layout_.header_bytes,
                                                                       .max_extents = kMaxExtents,
                                                                       .cursor = cursor_,
                                                                       .slot_count = slot_count_},
                                                                      load, hint));
  // Allocates all memory first, so that the slots are marked all or none.
  for (const Extent& e : extents) {
    const uint64_t last = (e.end().value() - 1) / kSlots;
    for (uint64_t page = e.first.value() / kSlots; page <= last; ++page) reserved_.try_emplace(page);
  }
  for (const Extent& e : extents) SetReserved(e, true);
  const SlotId end = extents.back().end();
  cursor_ = end.value() < slot_count_ ? end : SlotId(0);
  return extents;
}

void SlotAllocator::Release(const std::vector<Extent>& extents) {
  MutexLock lock(mu_);
  for (const Extent& e : extents) SetReserved(e, false);
}

Result<SlotAllocator::FreeRun> SlotAllocator::HoldFreeRun(SlotId from, uint64_t max_slots) {
  constexpr uint64_t kPagesAtATime = 16;  // bounds how long commits wait for the mutex
  MutexLock lock(mu_);
  while (waiting_ != 0) held_changed_.Wait(mu_);
  FreeRun found{.run = {}, .next = from};
  uint64_t slot = from.value();
  const uint64_t end = std::min(slot_count_, (slot / kSlots + kPagesAtATime) * kSlots);
  while (slot < end) {
    const uint64_t number = slot / kSlots;
    const auto cached = pages_.find(number);
    // Does not fill the cache: a search passes every page of the device.
    RAWKV_ASSIGN_OR_RETURN(const AllocationPage page,
                           cached == pages_.end() ? index_.Page(number) : cached->second);
    const RunFinder::PageBits occupied = OccupiedBits(number, page);
    const uint64_t page_end = std::min(end, (number + 1) * kSlots);
    for (; slot < page_end; ++slot) {
      const bool free = !TestSlot(occupied, slot % kSlots);
      if (!found.run) {
        if (free) found.run = Extent{SlotId(slot), SlotCount(1)};
        continue;
      }
      if (!free || found.run->count.value() == max_slots) break;
      found.run->count = SlotCount(found.run->count.value() + 1);
    }
    if (slot < page_end) break;
  }
  found.next = SlotId(slot);
  if (!found.run) return found;
  const uint64_t last = (found.run->end().value() - 1) / kSlots;
  for (uint64_t page = found.run->first.value() / kSlots; page <= last; ++page) reserved_.try_emplace(page);
  SetReserved(*found.run, true);
  held_ += found.run->count.value();
  return found;
}

void SlotAllocator::ReturnRun(const Extent& run) {
  MutexLock lock(mu_);
  SetReserved(run, false);
  held_ -= run.count.value();
  if (held_ == 0) held_changed_.NotifyAll();
}

AllocationTxn SlotAllocator::Begin() {
  return AllocationTxn(total_slots(), [this](uint64_t number) { return LoadPage(number); });
}

void SlotAllocator::Merge(const AllocationTxn& txn, const std::vector<Extent>& taken,
                          const std::vector<Extent>& freed) {
  MutexLock lock(mu_);
  for (const auto& [number, page] : txn.dirty()) pages_[number] = page;
  taken_ = static_cast<uint64_t>(static_cast<int64_t>(taken_) + txn.taken_delta());
  for (const Extent& e : taken) SetReserved(e, false);
  for (const Extent& e : freed) SetReserved(e, true);
}

void SlotAllocator::GrowTo(uint64_t slot_count) {
  MutexLock lock(mu_);
  RAWKV_CHECK(slot_count >= slot_count_, "a device only grows");
  slot_count_ = slot_count;
}

uint64_t SlotAllocator::total_slots() const {
  MutexLock lock(mu_);
  return slot_count_;
}

uint64_t SlotAllocator::reserved_slots() const {
  MutexLock lock(mu_);
  return reserved_count_ - held_;
}

uint64_t SlotAllocator::free_slots() const {
  MutexLock lock(mu_);
  return slot_count_ - taken_ - (reserved_count_ - held_);
}

SlotId SlotAllocator::cursor() const {
  MutexLock lock(mu_);
  return cursor_;
}

}  // namespace rawkv
