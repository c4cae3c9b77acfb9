#include "engine/store/change_applier.h"

#include <string>
#include <utility>

namespace rawkv {

Status ChangeApplier::Apply(const ChangeSet& change_set, Version version, Lineage lineage,
                            uint64_t time_unix_ms) {
  if (undo_ != nullptr) undo_->BeginVersion(version, lineage, MetaNow());
  for (const ChangeOp& op : change_set.ops) {
    switch (op.kind) {
      case ChangeOp::Kind::kPut:
        RAWKV_RETURN_IF_ERROR(Put(op, version));
        break;
      case ChangeOp::Kind::kDelete:
        RAWKV_RETURN_IF_ERROR(Delete(op.key, version));
        break;
      case ChangeOp::Kind::kDeleteRange:
        RAWKV_RETURN_IF_ERROR(DeleteRange(op, version));
        break;
    }
  }
  meta_.applied = version;
  meta_.lineage = lineage;
  meta_.commit_time_unix_ms = time_unix_ms;
  meta_.user_metadata = change_set.user_metadata;
  meta_.digest = change_set.digest;
  return Status::Ok();
}

Status ChangeApplier::Put(const ChangeOp& op, Version version) {
  RAWKV_RETURN_IF_ERROR(FreeOld(op.key, version));
  if (!op.value.is_inline()) {
    for (const Extent& e : std::get<PayloadRef>(op.value.data).extents) {
      RAWKV_RETURN_IF_ERROR(txn_.Take(e, batch_));
      taken_.push_back(e);
      ++meta_.live_extents;
    }
  }
  EncodeIndexEntryInto(&entry_, version, op.value);
  batch_.PutEncodedEntry(op.key, entry_);
  if (undo_ != nullptr) undo_->Change(op.key, entry_);
  return Status::Ok();
}

Status ChangeApplier::Delete(std::string_view key, Version version) {
  RAWKV_RETURN_IF_ERROR(FreeOld(key, version));
  batch_.DeleteEntry(key);
  if (undo_ != nullptr) undo_->Change(key, {});
  return Status::Ok();
}

Status ChangeApplier::DeleteRange(const ChangeOp& op, Version version) {
  std::vector<std::pair<std::string, IndexEntry>> found;
  RAWKV_RETURN_IF_ERROR(
      batch_.ForEachKey(op.key, op.end_key, [&](std::string_view key, const IndexEntry& entry) {
        // Without an undo record, inline values are of no interest beyond their key.
        const bool whole = !entry.value.is_inline() || (undo_ != nullptr && undo_->Admit(key, entry));
        found.emplace_back(std::string(key), whole ? entry : IndexEntry{entry.written_by, {}});
        return Status::Ok();
      }));
  for (const auto& [key, entry] : found) {
    RAWKV_RETURN_IF_ERROR(Free(entry, version));
    batch_.DeleteEntry(key);
    if (undo_ == nullptr) continue;
    undo_->SetPresent(&entry);
    undo_->Change(key, {});
  }
  return Status::Ok();
}

Status ChangeApplier::FreeOld(std::string_view key, Version version) {
  // Nothing to free anywhere: small-value stores commit without looking anything up.
  if (meta_.live_extents == 0) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> old, batch_.GetEntry(key));
  if (undo_ != nullptr) undo_->SetPresent(old ? &*old : nullptr);
  return old ? Free(*old, version) : Status::Ok();
}

Status ChangeApplier::Free(const IndexEntry& entry, Version version) {
  if (entry.value.is_inline()) return Status::Ok();
  for (const Extent& e : std::get<PayloadRef>(entry.value.data).extents) {
    RAWKV_RETURN_IF_ERROR(txn_.Defer(e, entry.written_by, version, batch_));
    --meta_.live_extents;
  }
  return Status::Ok();
}

MetaRecord ChangeApplier::MetaNow() const {
  MetaRecord now = meta_;
  now.live_slots = static_cast<uint64_t>(static_cast<int64_t>(meta_.live_slots) + txn_.live_delta());
  now.taken_slots = static_cast<uint64_t>(static_cast<int64_t>(meta_.taken_slots) + txn_.taken_delta());
  return now;
}

void ChangeApplier::Finish(SlotId cursor) {
  txn_.Finish(batch_);
  meta_ = MetaNow();
  meta_.cursor = cursor;
  batch_.PutMeta(meta_);
}

}  // namespace rawkv
