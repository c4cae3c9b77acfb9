#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/extent.h"
#include "base/result.h"
#include "engine/index/allocation_page.h"
#include "engine/index/key_index.h"

namespace rawkv {

// Slot changes of one index batch (invariant 3): allocation moves in the same batch as the
// keys, or not at all. For whoever holds the right to write the index; a failed call leaves a
// transaction that must be thrown away together with its batch.
//
//   free --Take--> live --Defer--> deferred --Reclaim--> free
//                   ^------Take (replay over an old snapshot)------'
class AllocationTxn {
 public:
  // Gives a page as the index has it (possibly cached).
  using PageLoader = std::function<Result<AllocationPage>(uint64_t page)>;
  AllocationTxn(uint64_t slot_count, PageLoader load) : slot_count_(slot_count), load_(std::move(load)) {}

  // Makes the slots live. Deferred entries that overlap go (or shrink) in this batch: an index built
  // from an old snapshot still lists slots as deferred that were since reclaimed and reused.
  // kCorruption if a slot is already live.
  Status Take(const Extent& extent, IndexBatch& batch);
  // Live slots become deferred. kCorruption if one is not live.
  Status Defer(const Extent& extent, Version born, Version freed, IndexBatch& batch);
  // A deferred entry's slots become free. Checks each again: kCorruption if one is live or free.
  Status Reclaim(const DeferredFree& entry, IndexBatch& batch);

  int64_t live_delta() const { return live_delta_; }  // slots
  int64_t taken_delta() const { return taken_delta_; }
  const std::map<uint64_t, AllocationPage>& dirty() const { return dirty_; }
  // Puts every page that changed into the batch; once, at the end.
  void WritePages(IndexBatch& batch) const;

 private:
  // Calls `fn` with page and bit range for each page that the extent touches; checks bounds first.
  Status ForEachPage(const Extent& extent,
                     const std::function<Status(AllocationPage&, uint64_t first_bit, uint64_t bits)>& fn);
  Result<AllocationPage*> Page(uint64_t number);
  Status RemoveDeferred(const Extent& extent, IndexBatch& batch);

  const uint64_t slot_count_;
  const PageLoader load_;
  std::map<uint64_t, AllocationPage> dirty_;
  int64_t live_delta_ = 0;
  int64_t taken_delta_ = 0;
};

}  // namespace rawkv
