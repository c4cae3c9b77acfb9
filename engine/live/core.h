#pragma once

#include <atomic>
#include <memory>

#include "base/mutex.h"
#include "engine/index/key_index.h"
#include "engine/live/poison.h"
#include "engine/live/published_version.h"
#include "engine/payload/payload_io.h"
#include "engine/space/slot_allocator.h"
#include "engine/store/store_context.h"
#include "engine/undo/undo_backlog.h"
#include "engine/value_cache/value_cache.h"
#include "wal/wal.h"

namespace rawkv {

// The live index, the log and the slots, and how far each of them is. A recovery fills it, and a rollback
// empties it.
class Core {
 public:
  std::shared_ptr<KeyIndex> index;  // reads need no lock
  std::unique_ptr<Wal> wal RAWKV_PT_GUARDED_BY(write_mu_);
  std::unique_ptr<SlotAllocator> allocator;
  std::unique_ptr<PayloadIo> payload;
  std::unique_ptr<ValueCache> values;           // of the tip; null: there is no cache. Constant while open
  MetaRecord meta RAWKV_GUARDED_BY(write_mu_);  // of the newest applied version
  bool flush_begun RAWKV_GUARDED_BY(write_mu_) = false;  // there is an index flush that nobody has waited for
  UndoBacklog undo_backlog RAWKV_GUARDED_BY(write_mu_);
  // Versions outside of [undo_from, undo_end) have no undo record in the index.
  Version undo_from RAWKV_GUARDED_BY(write_mu_);
  Version undo_end RAWKV_GUARDED_BY(write_mu_);
  Version flushed RAWKV_GUARDED_BY(write_mu_);  // no flush contains a version above
  // After a flush that lacked room or descriptors: the memtable size at which the next commit tries again.
  uint64_t flush_again_at RAWKV_GUARDED_BY(write_mu_) = 0;

  PublishedVersion tip;                   // newest visible version
  std::atomic<uint64_t> durable{0};       // newest version known to be durable
  std::atomic<bool> device_dirty{false};  // a payload write has returned since the last flush began
  std::atomic<uint64_t> next_write_id{0};
  uint64_t max_group_bytes = 0;  // log bytes of one commit group; constant while open

  // Closes log and index. No reader or operation may be inside.
  void Reset();

  // Names the capability that WriteRight holds, for annotations only.
  Mutex& write_right() RAWKV_RETURN_CAPABILITY(write_mu_) { return write_mu_; }

 private:
  friend class WriteRight;
  Mutex write_mu_;
};

// The right to write the index and the log. Commit groups, reclaims, index flushes and the first steps of a
// snapshot hold it one after the other, also while they sync.
class RAWKV_SCOPED_CAPABILITY WriteRight {
 public:
  explicit WriteRight(Core& core) RAWKV_ACQUIRE(core.write_right()) : mu_(core.write_mu_) { mu_.Lock(); }
  ~WriteRight() RAWKV_RELEASE() { mu_.Unlock(); }
  WriteRight(const WriteRight&) = delete;
  WriteRight& operator=(const WriteRight&) = delete;

 private:
  Mutex& mu_;
};

// Makes log and device durable through the tip. The caller must poison the engine after any error.
Status SyncAll(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());

// The error that keeps an open store from taking commits; ok if nothing does.
Status FindHealth(const StoreContext& context, const Poison& poison);

// KeyIndex::StartFlush.
Status StartIndexFlush(Core& core) RAWKV_REQUIRES(core.write_right());
// Puts the undo records of the versions above `above` into the index, unless they are there. Returns whether
// only a flush makes them a part of what is flushed: a replay would not make them again.
Result<bool> WriteUndoAbove(Core& core, Version above) RAWKV_REQUIRES(core.write_right());
// Begins an index flush if the memtable is over its bound. Never lets the index get ahead of the log
// (invariant 8). The caller must poison the engine after any error. A flush that lacks room or descriptors is
// no error here.
Status FlushIndexIfLarge(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());
// Before a commit: waits for a flush if the memtable holds twice its bound. An error that lacks_resource()
// has changed nothing. The caller must poison the engine after any other error.
Status MakeMemtableRoom(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());

}  // namespace rawkv
