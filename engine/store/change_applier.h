#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extent.h"
#include "engine/index/key_index.h"
#include "engine/space/allocation_txn.h"
#include "engine/undo/undo_recorder.h"
#include "wal/change_set.h"

namespace rawkv {

// Turns change sets into index changes, for commits, replays and imports alike. The caller applies versions
// in order. Several versions may share a batch; a later one sees the changes of the earlier ones. Not
// thread-safe.
class ChangeApplier {
 public:
  // `meta` describes the state from which the batch starts. `undo` gets every change; null: no
  // undo records.
  ChangeApplier(IndexBatch& batch, AllocationTxn& txn, MetaRecord meta, UndoRecorder* undo = nullptr)
      : batch_(batch), txn_(txn), undo_(undo), meta_(std::move(meta)) {}

  // kCorruption: the index contradicts the change set. After an error the caller drops the batch and the
  // transaction.
  Status Apply(const ChangeSet& change_set, Version version, Lineage lineage, uint64_t time_unix_ms);

  // Puts the changed pages and the meta record into the batch. Call it once, after the last Apply.
  void Finish(SlotId cursor);

  const MetaRecord& meta() const { return meta_; }
  // The extents that Apply has made live so far.
  const std::vector<Extent>& taken() const { return taken_; }

 private:
  Status Put(const ChangeOp& op, Version version);
  Status Delete(std::string_view key, Version version);
  Status DeleteRange(const ChangeOp& op, Version version);
  // Makes the slots deferred that the key holds now. Looks the key up only if the store holds extents.
  Status FreeOld(std::string_view key, Version version);
  Status Free(const IndexEntry& entry, Version version);
  // The meta record with the slots as the transaction leaves them so far.
  MetaRecord MetaNow() const;

  IndexBatch& batch_;
  AllocationTxn& txn_;
  UndoRecorder* const undo_;
  MetaRecord meta_;
  std::vector<Extent> taken_;
  std::string entry_;  // encoded; its memory is used again
};

}  // namespace rawkv
