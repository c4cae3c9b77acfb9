#include "engine/space/allocation_txn.h"

#include <algorithm>
#include <string>

#include "blockdev/slot_bitmap.h"

namespace rawkv {
namespace {

constexpr uint64_t kSlots = AllocationPage::kSlots;

Status SlotError(const Extent& e, const char* what) {
  return Status::Corruption("slots " + std::to_string(e.first.value()) + "…" +
                            std::to_string(e.end().value() - 1) + ": " + what + "; run fsck");
}

}  // namespace

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
    return SlotError(extent, "the extent lies outside the device");
  }
  for (uint64_t slot = first; slot < first + count;) {
    const uint64_t bits = std::min(kSlots - slot % kSlots, first + count - slot);
    RAWKV_ASSIGN_OR_RETURN(AllocationPage* const page, Page(slot / kSlots));
    RAWKV_RETURN_IF_ERROR(fn(*page, slot % kSlots, bits));
    slot += bits;
  }
  return Status::Ok();
}

void AllocationTxn::PutDeferred(IndexBatch& batch) {
  if (deferred_) batch.PutDeferred(*deferred_);
  deferred_.reset();
}

Status AllocationTxn::RemoveDeferred(const Extent& extent, IndexBatch& batch) {
  PutDeferred(batch);
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
  uint64_t deferred = 0;
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t count) {
    if (CountSlots(page.live, first, count) != 0) {
      return SlotError(extent, "given out twice: a slot is live already");
    }
    deferred += CountSlots(page.taken, first, count);
    SetSlots(page.taken, first, count);
    SetSlots(page.live, first, count);
    return Status::Ok();
  }));
  live_delta_ += static_cast<int64_t>(extent.count.value());
  taken_delta_ += static_cast<int64_t>(extent.count.value() - deferred);
  return deferred != 0 ? RemoveDeferred(extent, batch) : Status::Ok();
}

Status AllocationTxn::Defer(const Extent& extent, Version born, Version freed, IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t count) {
    if (CountSlots(page.live, first, count) != count)
      return SlotError(extent, "freed, but a slot was not live");
    ClearSlots(page.live, first, count);
    return Status::Ok();
  }));
  live_delta_ -= static_cast<int64_t>(extent.count.value());
  if (deferred_ && deferred_->extent.end() == extent.first && deferred_->born == born &&
      deferred_->freed == freed) {
    deferred_->extent.count = deferred_->extent.count + extent.count;
    return Status::Ok();
  }
  PutDeferred(batch);
  deferred_ = {extent, born, freed};
  return Status::Ok();
}

Status AllocationTxn::Reclaim(const DeferredFree& entry, IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(entry.extent, [&](AllocationPage& page, uint64_t first, uint64_t count) {
    if (CountSlots(page.taken, first, count) != count || CountSlots(page.live, first, count) != 0) {
      return SlotError(entry.extent, "listed as deferred, but a slot is live or free");
    }
    ClearSlots(page.taken, first, count);
    return Status::Ok();
  }));
  taken_delta_ -= static_cast<int64_t>(entry.extent.count.value());
  batch.DeleteDeferred(entry);
  return Status::Ok();
}

Status AllocationTxn::Drop(const Extent& extent) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t count) {
    if (CountSlots(page.live, first, count) != count) {
      return SlotError(extent, "written by a version that is undone, but a slot was not live");
    }
    ClearSlots(page.live, first, count);
    ClearSlots(page.taken, first, count);
    return Status::Ok();
  }));
  live_delta_ -= static_cast<int64_t>(extent.count.value());
  taken_delta_ -= static_cast<int64_t>(extent.count.value());
  return Status::Ok();
}

Status AllocationTxn::Revive(const Extent& extent, IndexBatch& batch) {
  RAWKV_RETURN_IF_ERROR(ForEachPage(extent, [&](AllocationPage& page, uint64_t first, uint64_t count) {
    if (CountSlots(page.taken, first, count) != count || CountSlots(page.live, first, count) != 0) {
      return SlotError(extent, "overwritten by a version that is undone, but a slot was live or free");
    }
    SetSlots(page.live, first, count);
    return Status::Ok();
  }));
  live_delta_ += static_cast<int64_t>(extent.count.value());
  return RemoveDeferred(extent, batch);
}

void AllocationTxn::Finish(IndexBatch& batch) {
  PutDeferred(batch);
  for (const auto& [number, page] : dirty_) batch.PutPage(number, page);
}

}  // namespace rawkv
