#include "engine/commit/commit_prepare.h"

#include <algorithm>

#include "base/exception_status.h"
#include "base/limits.h"
#include "engine/payload/extent_header.h"

namespace rawkv {
namespace {

Status CheckKey(std::string_view key, const char* what) {
  if (key.empty()) return Status::InvalidArgument(std::string(what) + " is empty");
  if (key.size() > kMaxKeyBytes) {
    return Status::InvalidArgument(std::string(what) + " of " + std::to_string(key.size()) +
                                   " bytes is over the limit of " + std::to_string(kMaxKeyBytes));
  }
  return Status::Ok();
}

bool IsInline(uint64_t value_bytes, const StoreContext& c) {
  return value_bytes == 0 || value_bytes <= c.identity.inline_bytes;
}

Status CheckPut(const WriteBatch::Operation& op, const StoreContext& c) {
  RAWKV_RETURN_IF_ERROR(CheckKey(op.key, "a key"));
  const uint64_t bytes = op.value().size();
  if (bytes > kMaxValueBytes) {
    return Status::InvalidArgument("a value of " + std::to_string(bytes) + " bytes is over the limit of " +
                                   std::to_string(kMaxValueBytes));
  }
  const uint64_t header = c.identity.header_bytes;
  if (!IsInline(bytes, c) && header != 0 && op.key.size() > MaxKeyBytesForHeader(header)) {
    return Status::InvalidArgument("a key of " + std::to_string(op.key.size()) +
                                   " bytes does not fit the extent "
                                   "header of " +
                                   std::to_string(header) + " bytes (limit " +
                                   std::to_string(MaxKeyBytesForHeader(header)) + ")");
  }
  return Status::Ok();
}

Status CheckRange(const WriteBatch::Operation& op) {
  if (op.key.size() > kMaxKeyBytes || op.end_key.size() > kMaxKeyBytes) {
    return Status::InvalidArgument("a range bound is over the limit of " + std::to_string(kMaxKeyBytes) +
                                   " bytes");
  }
  if (!op.end_key.empty() && op.end_key <= op.key) {
    return Status::InvalidArgument("a range to delete ends at or before its begin");
  }
  return Status::Ok();
}

// Reserves the slots of one commit.
class SlotReserver {
 public:
  SlotReserver(const StoreContext& c, Core& core, const std::vector<std::function<Status()>>& make_space)
      : context_(c), core_(core), make_space_(make_space) {}

  // A reference without checksums, which PayloadIo::WriteMany completes.
  Result<PayloadRef> Reserve(uint64_t bytes, std::vector<Extent>* reserved) {
    // The insert below must not fail, or nobody would release the slots.
    const size_t wanted = reserved->size() + SlotAllocator::kMaxExtents;
    if (reserved->capacity() < wanted) reserved->reserve(std::max(wanted, 2 * reserved->capacity()));
    Result<std::vector<Extent>> extents = core_.allocator->Reserve(bytes);
    while (extents.status().code() == StatusCode::kNoSpace && tried_ < make_space_.size()) {
      RAWKV_RETURN_IF_ERROR(make_space_[tried_++]());
      extents = core_.allocator->Reserve(bytes);
    }
    if (extents.status().code() == StatusCode::kNoSpace) {
      return Status::NoSpace(context_.device_path + ": " + extents.status().message() +
                             "; delete keys, or unpin what keeps old versions; a new value needs free slots "
                             "before the value that it replaces gives its slots back");
    }
    if (!extents.ok()) return extents.status().WithContext(context_.device_path);
    reserved->insert(reserved->end(), extents->begin(), extents->end());
    return PayloadRef{.extents = *std::move(extents),
                      .write_id = WriteId(core_.next_write_id.fetch_add(1)),
                      .length = bytes,
                      .chunk_checksums = {}};
  }

 private:
  const StoreContext& context_;
  Core& core_;
  const std::vector<std::function<Status()>>& make_space_;
  size_t tried_ = 0;
};

}  // namespace

Status ValidateBatch(const WriteBatch& batch, const StoreContext& c) {
  RAWKV_RETURN_IF_ERROR(batch.status());
  if (batch.size() > WriteBatch::kMaxOperations) {
    return Status::InvalidArgument("a batch of " + std::to_string(batch.size()) +
                                   " operations is over the bound of " +
                                   std::to_string(WriteBatch::kMaxOperations));
  }
  if (batch.metadata().size() > kMaxUserMetadataBytes) {
    return Status::InvalidArgument("commit metadata of " + std::to_string(batch.metadata().size()) +
                                   " bytes is over the limit of " + std::to_string(kMaxUserMetadataBytes));
  }
  uint64_t log_bytes = batch.metadata().size();
  for (const WriteBatch::Operation& op : batch.operations()) {
    switch (op.kind) {
      case WriteBatch::Operation::Kind::kPut:
        RAWKV_RETURN_IF_ERROR(CheckPut(op, c));
        if (IsInline(op.value().size(), c)) log_bytes += op.value().size();
        break;
      case WriteBatch::Operation::Kind::kDelete:
        RAWKV_RETURN_IF_ERROR(CheckKey(op.key, "a key"));
        break;
      case WriteBatch::Operation::Kind::kDeleteRange:
        RAWKV_RETURN_IF_ERROR(CheckRange(op));
        break;
    }
    log_bytes += op.key.size() + op.end_key.size();
  }
  // Refuses before any payload is written. The encoded record gives the exact size later.
  if (log_bytes > c.runtime.wal_segment_bytes) {
    return Status::InvalidArgument("a change set of " + std::to_string(log_bytes) +
                                   " bytes does not fit a log segment of " +
                                   std::to_string(c.runtime.wal_segment_bytes) + " bytes; split the batch");
  }
  return Status::Ok();
}

Status PlanCommit(const WriteBatch& batch, const StoreContext& c, Core& core,
                  const std::vector<std::function<Status()>>& make_space, PreparedCommit& out) {
  SlotReserver slots(c, core, make_space);
  out.changes.user_metadata = batch.metadata();
  for (const WriteBatch::Operation& op : batch.operations()) {
    ChangeOp change{.kind = ChangeOp::Kind::kDelete, .key = op.key, .end_key = {}, .value = {}};
    out.user_bytes += op.key.size();
    if (op.kind == WriteBatch::Operation::Kind::kDeleteRange) {
      change.kind = ChangeOp::Kind::kDeleteRange;
      change.end_key = op.end_key;
    } else if (op.kind == WriteBatch::Operation::Kind::kPut) {
      change.kind = ChangeOp::Kind::kPut;
      if (op.if_absent) out.if_absent.push_back(static_cast<uint32_t>(out.changes.ops.size()));
      const ConstBytes value = op.value();
      out.user_bytes += value.size();
      if (IsInline(value.size(), c)) {
        change.value.data = std::string(AsStringView(value));
      } else {
        RAWKV_ASSIGN_OR_RETURN(change.value.data, slots.Reserve(value.size(), &out.reserved));
      }
    }
    out.changes.ops.push_back(std::move(change));
  }
  return Status::Ok();
}

Status WritePayload(std::span<const PlannedCommit> commits, Core& core) {
  std::vector<PayloadIo::WriteJob> jobs;
  for (const PlannedCommit& planned : commits) {
    const auto& operations = planned.batch->operations();
    for (size_t i = 0; i < operations.size(); ++i) {
      ChangeOp& change = planned.commit->changes.ops[i];
      if (change.kind != ChangeOp::Kind::kPut || change.value.is_inline()) continue;
      PayloadRef& ref = std::get<PayloadRef>(change.value.data);
      ref.chunk_checksums.clear();  // of an attempt together with other commits
      jobs.push_back({.key = change.key, .value = operations[i].value(), .ref = &ref});
    }
  }
  if (jobs.empty()) return Status::Ok();
  const Status written = core.payload->WriteMany(jobs);
  // Set after the writes have returned, so that the flush that clears it covers them.
  core.device_dirty.store(true);
  return written;
}

Status EncodeRecord(const StoreContext& c, const Core& core, PreparedCommit& commit) {
  commit.body = EncodeChangeSet(commit.changes);
  const PendingRecord record{.version = {}, .time_unix_ms = 0, .body = AsBytes(commit.body)};
  if (Wal::FramedBytes(std::span(&record, 1)) <= core.max_group_bytes) return Status::Ok();
  return Status::InvalidArgument("a change set of " + std::to_string(commit.body.size()) +
                                 " bytes does not fit a log segment of " +
                                 std::to_string(c.runtime.wal_segment_bytes) + " bytes; split the batch");
}

void ReleaseCommit(const StoreContext& c, Core& core, const PreparedCommit& commit, const Status& refusal) {
  BlockDevice& device = *c.device.device;
  if (refusal.code() == StatusCode::kNoSpace && device.geometry().sparse &&
      device.geometry().discard_supported) {
    // The slots are still reserved, so nobody else writes there. If a hole cannot be punched, the blocks stay
    // for the next payload of these slots.
    for (const Extent& e : commit.reserved) {
      (void)device.Discard(c.layout().OffsetOf(e.first), e.count.value() * c.layout().slot_bytes).ok();
    }
  }
  core.allocator->Release(commit.reserved);
}

}  // namespace rawkv
