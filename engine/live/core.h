#pragma once

#include <atomic>
#include <memory>

#include "base/mutex.h"
#include "engine/index/key_index.h"
#include "engine/live/published_version.h"
#include "engine/payload/payload_io.h"
#include "engine/space/slot_allocator.h"
#include "engine/store/store_context.h"
#include "wal/wal.h"

namespace rawkv {

// What recovery brings up and a rollback tears down: the live index, the log, the slots, and how far
// they are.
class Core {
 public:
  std::shared_ptr<KeyIndex> index;  // reads need no lock
  std::unique_ptr<Wal> wal RAWKV_PT_GUARDED_BY(write_mu_);
  std::unique_ptr<SlotAllocator> allocator;
  std::unique_ptr<PayloadIo> payload;
  MetaRecord meta RAWKV_GUARDED_BY(write_mu_);           // of the newest applied version
  bool flush_begun RAWKV_GUARDED_BY(write_mu_) = false;  // an index flush that nobody has waited for
  // After a flush that lacked room or descriptors: what the memtable must hold before another try is worth
  // its wait.
  uint64_t flush_again_at RAWKV_GUARDED_BY(write_mu_) = 0;

  PublishedVersion tip;                   // newest visible version
  std::atomic<uint64_t> durable{0};       // newest version known durable
  std::atomic<bool> device_dirty{false};  // payload written (and returned) since the last flush
  std::atomic<uint64_t> next_write_id{0};
  uint64_t max_group_bytes = 0;  // of log, one commit group; constant while open

  // Closes log and index. Nobody may be inside.
  void Reset();

  // Names the capability that WriteRight holds, for annotations only.
  Mutex& write_right() RAWKV_RETURN_CAPABILITY(write_mu_) { return write_mu_; }

 private:
  friend class WriteRight;
  Mutex write_mu_;
};

// The right to write index and log: commit groups, reclaim, index flushes and the first step of a snapshot
// take turns. Held across syncs.
class RAWKV_SCOPED_CAPABILITY WriteRight {
 public:
  explicit WriteRight(Core& core) RAWKV_ACQUIRE(core.write_right()) : mu_(core.write_mu_) { mu_.Lock(); }
  ~WriteRight() RAWKV_RELEASE() { mu_.Unlock(); }
  WriteRight(const WriteRight&) = delete;
  WriteRight& operator=(const WriteRight&) = delete;

 private:
  Mutex& mu_;
};

// Makes log and device durable through the tip. Anything but ok must poison the engine.
Status SyncAll(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());

// Begins an index flush once the memtable is over its bound; never lets the index get ahead of the
// log (invariant 8). Anything but ok must poison the engine.
// A flush that lacked room or descriptors is no error here.
Status FlushIndexIfLarge(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());
// Before a commit: bounds what the memtable holds to twice its bound, waiting for a flush. An error that
// lacks_resource() has changed nothing. Anything else must poison the engine.
Status MakeMemtableRoom(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_right());

}  // namespace rawkv
