#include "engine/live/core.h"

#include <algorithm>

#include "base/exception_status.h"

namespace rawkv {

void Core::Reset() RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  // `payload` stays: views of older versions continue to read across a rollback, and it depends only on the
  // device.
  if (values != nullptr) values->Clear();
  undo_backlog.Clear();
  allocator.reset();
  wal.reset();
  index.reset();
  flush_begun = false;
  flush_again_at = 0;
  device_dirty = false;
}

Status SyncAll(StoreContext& context, Core& core) {
  if (core.device_dirty.exchange(false)) {
    RAWKV_RETURN_IF_ERROR(NoThrow([&] { return context.device.device->Flush(); }));
  }
  const uint64_t tip = core.tip.Get().value();
  if (core.durable.load() == tip) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return core.wal->Sync(); }));
  core.durable.store(tip);
  return Status::Ok();
}

Status FindHealth(const StoreContext& context, const Poison& poison) {
  const Status first = poison.first();
  return first.ok() ? CheckOpenedWithRoom(context) : first;
}

Status StartIndexFlush(Core& core) {
  core.flushed = core.meta.applied;
  return core.index->StartFlush();
}

Result<bool> WriteUndoAbove(Core& core, Version above) {
  const Result<std::optional<Version>> oldest =
      NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return core.undo_backlog.WriteAbove(above); });
  if (!oldest.ok()) return oldest.status();
  if (!oldest->has_value()) return false;
  core.undo_from = std::min(core.undo_from, Next(above));
  core.undo_end = Next(core.meta.applied);
  return **oldest <= core.flushed;
}

Status FlushIndexIfLarge(StoreContext& context, Core& core) {
  const uint64_t bytes = core.index->MemtableBytes();
  if (bytes < std::max(context.options.memtable_bytes, core.flush_again_at)) return Status::Ok();
  if (core.flush_begun) {
    // One flush at a time. Commits wait for it only if the memtable has grown to twice its bound.
    if (bytes < 2 * context.options.memtable_bytes) return Status::Ok();
    const Status flushed = core.index->WaitFlush();
    core.flush_begun = false;
    // Nothing is lost: the entries stay in memory and in the log. MakeMemtableRoom tries again.
    if (flushed.lacks_resource()) {
      core.flush_again_at = bytes + context.options.memtable_bytes;
      return Status::Ok();
    }
    RAWKV_RETURN_IF_ERROR(flushed);
    core.flush_again_at = 0;
    if (core.index->MemtableBytes() < context.options.memtable_bytes) return Status::Ok();
  }
  RAWKV_RETURN_IF_ERROR(SyncAll(context, core));
  const Status begun = StartIndexFlush(core);
  if (begun.lacks_resource()) {
    core.flush_again_at = bytes + context.options.memtable_bytes;
    return Status::Ok();
  }
  RAWKV_RETURN_IF_ERROR(begun);
  core.flush_begun = true;
  return Status::Ok();
}

Status MakeMemtableRoom(StoreContext& context, Core& core) {
  if (core.index->MemtableBytes() < 2 * context.options.memtable_bytes) return Status::Ok();
  if (core.flush_begun) {
    core.flush_begun = false;
    const Status flushed = core.index->WaitFlush();
    if (flushed.ok()) core.flush_again_at = 0;
    // The resource that the flush lacked may be there now.
    if (!flushed.lacks_resource()) return flushed;
  }
  RAWKV_RETURN_IF_ERROR(SyncAll(context, core));
  RAWKV_RETURN_IF_ERROR(StartIndexFlush(core));
  RAWKV_RETURN_IF_ERROR(core.index->WaitFlush());
  core.flush_again_at = 0;
  return Status::Ok();
}

}  // namespace rawkv
