#include "engine/undo/undo_steps.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/space/allocation_txn.h"
#include "engine/undo/undo_record.h"

namespace rawkv {
namespace {

// Bounds the memory that a batch takes.
constexpr uint64_t kBatchBytes = 16ull << 20;

// Undoes versions in one index batch.
class UndoBatch {
 public:
  UndoBatch(const UndoTarget& target, MetaRecord meta, IndexBatch& changes)
      : target_(target),
        batch_(changes),
        txn_(target.slot_count, [index = target.index](uint64_t page) { return index->Page(page); }),
        meta_(std::move(meta)),
        live_before_(meta_.live_slots),
        taken_before_(meta_.taken_slots) {}

  // Undoes the version of `meta()`.
  Status Undo() {
    const Version version = meta_.applied;
    RAWKV_ASSIGN_OR_RETURN(const UndoRecord record, Load(version));
    for (const UndoRecord::Key& key : record.keys) RAWKV_RETURN_IF_ERROR(UndoKey(key, version));
    RAWKV_RETURN_IF_ERROR(DropUnseen(version));
    return TakeMeta(record.before);
  }

  Result<MetaRecord> Commit() {
    txn_.Finish(batch_);
    batch_.PutMeta(meta_);
    RAWKV_RETURN_IF_ERROR(target_.index->Apply(batch_));
    return meta_;
  }

  const MetaRecord& meta() const { return meta_; }
  bool Full() const { return batch_.bytes() >= kBatchBytes; }

 private:
  Result<UndoRecord> Load(Version version) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, target_.index->Undo(version));
    if (!bytes) return Status::FailedPrecondition("version " + ToString(version) + " has no undo record");
    Result<UndoRecord> record = DecodeUndoRecord(AsBytes(*bytes));
    if (!record.ok()) return record.status().WithContext("version " + ToString(version));
    const MetaRecord& before = record->before;
    if (record->lineage != meta_.lineage || Next(before.applied) != version ||
        !target_.chain.Contains(before.lineage, before.applied)) {
      return Status::FailedPrecondition("the undo record of version " + ToString(version) +
                                        " is of another branch");
    }
    batch_.DeleteUndo(version);
    return record;
  }

  Status UndoKey(const UndoRecord::Key& key, Version version) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> now, batch_.GetEntry(key.key));
    if (now && now->written_by != version) {
      return Contradicts(version, "version " + ToString(now->written_by) + " wrote a key that it changed");
    }
    if (now && !now->value.is_inline()) {
      for (const Extent& e : std::get<PayloadRef>(now->value.data).extents) {
        RAWKV_RETURN_IF_ERROR(txn_.Drop(e));
        --live_extents_;
      }
    }
    if (!key.before) {
      batch_.DeleteEntry(key.key);
      return {};
    }
    if (!key.before->value.is_inline()) {
      for (const Extent& e : std::get<PayloadRef>(key.before->value.data).extents) {
        RAWKV_RETURN_IF_ERROR(txn_.Revive(e, batch_));
        ++live_extents_;
      }
    }
    batch_.PutEntry(key.key, *key.before);
    return {};
  }

  // What is left of the slots that the version freed are those that it had written itself.
  Status DropUnseen(Version version) {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<DeferredFree> left, batch_.DeferredFreedBy(version));
    for (const DeferredFree& entry : left) {
      if (entry.born != version) return Contradicts(version, "it freed slots of an unknown key");
      RAWKV_RETURN_IF_ERROR(txn_.Reclaim(entry, batch_));
    }
    return {};
  }

  Status TakeMeta(const MetaRecord& before) {
    const uint64_t live_slots = Plus(live_before_, txn_.live_delta());
    const uint64_t live_extents = Plus(meta_.live_extents, std::exchange(live_extents_, 0));
    if (live_slots != before.live_slots || live_extents != before.live_extents) {
      return Contradicts(meta_.applied, "it leads to " + std::to_string(live_slots) +
                                            " live slots instead of " + std::to_string(before.live_slots));
    }
    meta_ = before;
    // Slots may have been reclaimed since, so that this number is not that of the record.
    meta_.taken_slots = Plus(taken_before_, txn_.taken_delta());
    return {};
  }

  static uint64_t Plus(uint64_t base, int64_t delta) {
    return static_cast<uint64_t>(static_cast<int64_t>(base) + delta);
  }
  static Status Contradicts(Version version, const std::string& how) {
    return Status::Corruption("the undo record of version " + ToString(version) +
                              " contradicts the index: " + how);
  }

  const UndoTarget& target_;
  IndexBatch& batch_;
  AllocationTxn txn_;
  MetaRecord meta_;
  const uint64_t live_before_;
  const uint64_t taken_before_;
  int64_t live_extents_ = 0;  // change by the version that is being undone
};

}  // namespace

Result<MetaRecord> UndoTo(const UndoTarget& target, Version to) {
  RAWKV_ASSIGN_OR_RETURN(MetaRecord meta, target.index->Meta());
  const uint64_t total = meta.applied.value() - to.value();
  const std::unique_ptr<IndexBatch> changes = target.index->NewBatch();
  while (meta.applied > to) {
    changes->Clear();
    UndoBatch batch(target, meta, *changes);
    while (batch.meta().applied > to && !batch.Full()) RAWKV_RETURN_IF_ERROR(batch.Undo());
    RAWKV_ASSIGN_OR_RETURN(meta, batch.Commit());
    if (target.progress)
      target.progress({"undo", total - (meta.applied.value() - to.value()), total, "versions"});
  }
  return meta;
}

Result<bool> UndoLeadsTo(KeyIndex& index, Version to) {
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index.Meta());
  // The oldest is the most likely to be missing.
  for (Version v = Next(to); v <= meta.applied; v = Next(v)) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<std::string> record, index.Undo(v));
    if (!record) return false;
  }
  return true;
}

Result<Version> DropUndoBelow(KeyIndex& index, Version from, Version tip) {
  Version oldest = Next(tip);
  std::vector<Version> old;
  RAWKV_RETURN_IF_ERROR(index.ForEachUndo([&](Version version) {
    if (version >= from) {
      oldest = version;
      return false;
    }
    old.push_back(version);
    return true;
  }));
  if (old.empty()) return oldest;
  const std::unique_ptr<IndexBatch> batch = index.NewBatch();
  for (const Version version : old) batch->DeleteUndo(version);
  RAWKV_RETURN_IF_ERROR(index.Apply(*batch));
  return oldest;
}

}  // namespace rawkv
