#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/extent.h"
#include "base/result.h"
#include "engine/index/allocation_page.h"
#include "engine/index/key_index.h"

namespace rawkv {

// The slot changes of one index batch (invariant 3): slots change their state in the same batch as the keys,
// or not at all. Not thread-safe; for the holder of the write right. After a failed call the caller drops the
// transaction and its batch.
//
//   free --Take--> live --Defer--> deferred --Reclaim--> free
//                   ^------Take (replay over an old snapshot)------'
//   free <--Drop-- live <--Revive-- deferred                  (a version is undone)
class AllocationTxn {
 public:
  // Returns a page as the index has it, perhaps from a cache.
  using PageLoader = std::function<Result<AllocationPage>(uint64_t page)>;
  AllocationTxn(uint64_t slot_count, PageLoader load) : slot_count_(slot_count), load_(std::move(load)) {}

  // Makes the slots live. Deletes or trims the deferred frees that overlap them in the same batch: an index
  // from an old snapshot lists slots as deferred that were reclaimed and reused since. kCorruption: a slot is
  // live already.
  Status Take(const Extent& extent, IndexBatch& batch);
  // Makes live slots deferred. kCorruption: a slot is not live. Extents that follow each other on the device,
  // and were written and freed by the same versions, become one deferred free.
  Status Defer(const Extent& extent, Version born, Version freed, IndexBatch& batch);
  // Makes the slots of a deferred free free. kCorruption: a slot is live or free.
  Status Reclaim(const DeferredFree& entry, IndexBatch& batch);
  // Undo Take and Defer, for a version that is undone. Drop makes live slots free. Revive makes deferred
  // slots live. kCorruption: a slot is in another state.
  Status Drop(const Extent& extent);
  Status Revive(const Extent& extent, IndexBatch& batch);

  int64_t live_delta() const { return live_delta_; }  // in slots
  int64_t taken_delta() const { return taken_delta_; }
  const std::map<uint64_t, AllocationPage>& dirty() const { return dirty_; }
  // Puts the last deferred free and every changed page into the batch. Call it once, at the end.
  void Finish(IndexBatch& batch);

 private:
  // Calls `fn` with each page that the extent touches, and the bits in it. kCorruption: outside the device.
  Status ForEachPage(const Extent& extent,
                     const std::function<Status(AllocationPage&, uint64_t first_bit, uint64_t bits)>& fn);
  Result<AllocationPage*> Page(uint64_t number);
  Status RemoveDeferred(const Extent& extent, IndexBatch& batch);
  void PutDeferred(IndexBatch& batch);

  const uint64_t slot_count_;
  const PageLoader load_;
  std::map<uint64_t, AllocationPage> dirty_;
  std::optional<DeferredFree> deferred_;  // not in the batch yet, because the next extent may continue it
  int64_t live_delta_ = 0;
  int64_t taken_delta_ = 0;
};

}  // namespace rawkv
