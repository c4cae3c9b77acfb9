#include "engine/store/replay.h"

#include <memory>
#include <optional>
#include <utility>

#include "engine/store/change_applier.h"
#include "engine/undo/undo_steps.h"
#include "wal/record_format.h"

namespace rawkv {
namespace {

// Bound the memory and the work that a crash loses. RocksDB inserts the keys of a batch in their order, which
// is several times faster than one by one if there are many.
constexpr uint64_t kBatchBytes = 16ull << 20;
constexpr uint64_t kBatchRecords = 100'000;

// One index batch in the making.
class Batch {
 public:
  // `changes` must be empty. The versions get undo records if the batch begins at `undo_from` or above.
  Batch(const ReplayTarget& target, const MetaRecord& meta, Version undo_from, IndexBatch& changes)
      : target_(target),
        batch_(changes),
        txn_(target.slot_count, [index = target.index](uint64_t page) { return index->Page(page); }),
        applier_(batch_, txn_, meta,
                 Next(meta.applied) >= undo_from ? &undo_.emplace(undo_from, UndoRecorder::Versions::kSeveral)
                                                 : nullptr) {}

  Status Add(const LogRecord& record) {
    const Result<ChangeSet> changes = DecodeChangeSet(record.body);
    if (!changes.ok()) return changes.status().WithContext("version " + ToString(record.head.version));
    ++records_;
    const Status applied =
        applier_.Apply(*changes, record.head.version, record.head.lineage, record.head.time_unix_ms);
    return applied.ok() ? applied : applied.WithContext("replaying version " + ToString(record.head.version));
  }
  bool Full() const { return records_ >= kBatchRecords || batch_.bytes() >= kBatchBytes; }
  Result<MetaRecord> Commit() {
    // The next search for free slots begins after the slots that were replayed last, as in a running store.
    SlotId cursor = applier_.meta().cursor;
    if (!applier_.taken().empty()) cursor = applier_.taken().back().end();
    applier_.Finish(cursor.value() < target_.slot_count ? cursor : SlotId(0));
    // Without a record, a rollback takes the longer way.
    if (undo_ && undo_->Complete(*target_.index).ok()) undo_->WriteTo(batch_);
    RAWKV_RETURN_IF_ERROR(target_.index->Apply(batch_));
    return applier_.meta();
  }

 private:
  const ReplayTarget& target_;
  IndexBatch& batch_;
  AllocationTxn txn_;
  std::optional<UndoRecorder> undo_;
  ChangeApplier applier_;
  uint64_t records_ = 0;
};

}  // namespace

Result<MetaRecord> ReplayInto(const ReplayTarget& target, const WalContext& log, Version to) {
  RAWKV_ASSIGN_OR_RETURN(MetaRecord meta, target.index->Meta());
  if (meta.applied >= to) return meta;
  const Version from = Next(meta.applied);
  const uint64_t total = to.value() - meta.applied.value();
  const std::unique_ptr<IndexBatch> changes = target.index->NewBatch();
  const Version undo_from =
      target.undo_versions == 0 ? Next(to) : FirstInUndoWindow(to, target.undo_versions);
  std::optional<Batch> batch(std::in_place, target, meta, undo_from, *changes);
  ReplayTimer timer(target.rate, target.clock);
  const auto commit = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(meta, batch->Commit());
    changes->Clear();
    batch.emplace(target, meta, undo_from, *changes);
    if (target.progress)
      target.progress({"replay", total - (to.value() - meta.applied.value()), total, "versions"});
    return target.between_batches ? target.between_batches() : Status::Ok();
  };
  const RecordFn add = [&](const LogRecord& record) -> Status {
    RAWKV_RETURN_IF_ERROR(batch->Add(record));
    timer.Add(FramedBytes(record.body.size()));
    // A batch has undo records for all of its versions or for none.
    return batch->Full() || Next(record.head.version) == undo_from ? commit() : Status::Ok();
  };
  RAWKV_RETURN_IF_ERROR(target.read ? target.read(from, to, add) : ReadLog(log, from, to, add));
  // The last records, unless a full batch ended exactly here.
  if (meta.applied < to) RAWKV_RETURN_IF_ERROR(commit());
  timer.Finish();
  return meta;
}

}  // namespace rawkv
