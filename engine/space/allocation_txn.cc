#include "engine/space/allocation_txn.h"

#include <algorithm>
#include <string>

namespace rawkv {
namespace {

constexpr uint64_t kSlots = AllocationPage::kSlots;

void SetBit(RunFinder::PageBits& bits, uint64_t bit, bool on) {
  const uint64_t mask = uint64_t{1} << (bit % 64);
  bits[bit / 64] = on ? bits[bit / 64] | mask : bits[bit / 64] & ~mask;
}

bool GetBit(const RunFinder::PageBits& bits, uint64_t bit) {
  return (bits[bit / 64] >> (bit % 64) & 1) != 0;
}

Status Wrong(const Extent& e, const char* what) {
  return Status::Corruption("slots " + std::to_string(e.first.value()) + "…" +
                            std::to_string(e.end().value() - 1) + ": " + what + "; run fsck");
}

}  // namespace

AllocationTxn::SlotState AllocationTxn::StateOf(const AllocationPage& page, uint64_t bit) {
  if (GetBit(page.live, bit)) return SlotState::kLive;
  return GetBit(page.taken, bit) ? SlotState::kDeferred : SlotState::kFree;
}

Result<AllocationPage*> AllocationTxn::Page(uint64_t number) {
  auto it = dirty_.find(number);
  if (it == dirty_.end()) {
    RAWKV_ASSIGN_OR_RETURN(AllocationPage page, load_(number));
    it = dirty_.emplace(number, page).first;
  }
  return &it->second;
}

Status AllocationTxn::ForEachPage(const Extent& extent,
                                  const std::function<Status(AllocationPage&, uint64_t, uint64_t)>& fn) {
  const uint64_t first = extent.first.value();
  const uint64_t count = extent.count.value();
  if (count == 0 || first >= slot_count_ || count > slot_count_ - first) {
    return Wrong(extent, "the extent lies outside the device");
  }
  for (uint64_t slot = first; slot < first + count;) {
    const uint64_t bits = std::min(kSlots - slot % kSlots, first + count - slot);
    RAWKV_ASSIGN_OR_RETURN(AllocationPage* const page, Page(slot / kSlots));
    RAWKV_RETURN_IF_ERROR(fn(*page, slot % kSlots, bits));
    slot += bits;
  }
  return Status::Ok();
}

Status AllocationTxn::RemoveDeferred(const Extent& extent, IndexBatch& batch) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<DeferredFree> overlapping, batch.DeferredOverlapping(extent));
  for (const DeferredFree& entry : overlapping) {
    batch.DeleteDeferred(entry);
    DeferredFree rest = entry;
    if (entry.extent.first < extent.first) {
      rest.extent = {entry.extent.first, extent.first - entry.extent.first};
      batch.PutDeferred(rest);
    }
    if (extent.end() < entry.extent.end()) {
      rest.extent = {extent.end(), entry.extent.end() - extent.end()};
      batch.PutDeferred(rest);
    }
  }
  return Status::Ok();
}

Status AllocationTxn::Take(const Extent& extent, IndexBatch& batch) {
  bool some_deferred = false;
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t bits) {
    for (uint64_t bit = first; bit < first + bits; ++bit) {
      switch (StateOf(page, bit)) {
        case SlotState::kLive:
          return Wrong(extent, "given out twice: a slot is live already");
        case SlotState::kDeferred:
          some_deferred = true;
          break;
        case SlotState::kFree:
          SetBit(page.taken, bit, true);
          ++taken_delta_;
          break;
      }
      SetBit(page.live, bit, true);
      ++live_delta_;
    }
    return Status::Ok();
  }));
  return some_deferred ? RemoveDeferred(extent, batch) : Status::Ok();
}

Status AllocationTxn::Defer(const Extent& extent, Version born, Version freed, IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t bits) {
    for (uint64_t bit = first; bit < first + bits; ++bit) {
      if (StateOf(page, bit) != SlotState::kLive) return Wrong(extent, "freed, but a slot was not live");
      SetBit(page.live, bit, false);
      --live_delta_;
    }
    return Status::Ok();
  }));
  batch.PutDeferred({extent, born, freed});
  return Status::Ok();
}

Status AllocationTxn::Reclaim(const DeferredFree& entry, IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(entry.extent, [&](AllocationPage& page, uint64_t first, uint64_t bits) {
    for (uint64_t bit = first; bit < first + bits; ++bit) {
      if (StateOf(page, bit) != SlotState::kDeferred) {
        return Wrong(entry.extent, "listed as deferred, but a slot is live or free");
      }
      SetBit(page.taken, bit, false);
      --taken_delta_;
    }
    return Status::Ok();
  }));
  batch.DeleteDeferred(entry);
  return Status::Ok();
}

void AllocationTxn::WritePages(IndexBatch& batch) const {
  for (const auto& [number, page] : dirty_) batch.PutPage(number, page);
}

}  // namespace rawkv
