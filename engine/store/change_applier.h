#pragma once

#include <cstdint>
#include <vector>

#include "base/extent.h"
#include "engine/index/key_index.h"
#include "engine/space/allocation_txn.h"
#include "wal/change_set.h"

namespace rawkv {

// Turns change sets into index changes: the one place where a version's meaning is put into effect,
// live and replayed alike. Versions in order; several may share a batch, later ones see earlier ones.
class ChangeApplier {
 public:
  // `meta` is the state that the batch starts from.
  ChangeApplier(IndexBatch& batch, AllocationTxn& txn, MetaRecord meta)
      : batch_(batch), txn_(txn), meta_(std::move(meta)) {}

  // kCorruption if the index contradicts the change set. After an error, batch and transaction must
  // be thrown away.
  Status Apply(const ChangeSet& change_set, Version version, Lineage lineage, uint64_t time_unix_ms);

  // Puts pages and the meta record into the batch; once, when all are applied.
  void Finish(SlotId cursor);

  const MetaRecord& meta() const { return meta_; }
  // Extents made live so far.
  const std::vector<Extent>& taken() const { return taken_; }

 private:
  Status Put(const ChangeOp& op, Version version);
  Status Delete(std::string_view key, Version version);
  Status DeleteRange(const ChangeOp& op, Version version);
  // Defers what the key holds now, if it holds slots. True if the key was there (known only where
  // looking was needed).
  Status FreeOld(std::string_view key, Version version);
  Status Free(const IndexEntry& entry, Version version);

  IndexBatch& batch_;
  AllocationTxn& txn_;
  MetaRecord meta_;
  std::vector<Extent> taken_;
};

}  // namespace rawkv
