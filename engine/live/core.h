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
struct Core {
  // The right to write index and log: commit groups, reclaim, index flushes and snapshots' first step
  // take turns. Held across syncs.
  Mutex write_mu;

  std::shared_ptr<KeyIndex> index;  // reads need no lock
  std::unique_ptr<Wal> wal RAWKV_PT_GUARDED_BY(write_mu);
  std::unique_ptr<SlotAllocator> allocator;
  std::unique_ptr<PayloadIo> payload;
  MetaRecord meta RAWKV_GUARDED_BY(write_mu);           // of the newest applied version
  bool flush_begun RAWKV_GUARDED_BY(write_mu) = false;  // an index flush that nobody has waited for
  // After a flush that lacked room or descriptors: what the memtable must hold before another try is worth
  // its wait.
  uint64_t flush_again_at RAWKV_GUARDED_BY(write_mu) = 0;

  PublishedVersion tip;                   // newest visible version
  std::atomic<uint64_t> durable{0};       // newest version known durable
  std::atomic<bool> device_dirty{false};  // payload written (and returned) since the last flush
  std::atomic<uint64_t> next_write_id{0};
  uint64_t max_group_bytes = 0;  // of log, one commit group; constant while open

  // Closes log and index. Nobody may be inside.
  void Reset();
};

// Makes log and device durable through the tip. Anything but ok must poison the engine.
Status SyncAll(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_mu);

// Begins an index flush once the memtable is over its bound; never lets the index get ahead of the
// log (design invariant 8). Anything but ok must poison the engine.
// A flush that lacked room or descriptors is no error here.
Status FlushIndexIfLarge(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_mu);
// Before a commit: bounds what the memtable holds to twice its bound, waiting for a flush. An error that
// lacks_resource() has changed nothing. Anything else must poison the engine.
Status MakeMemtableRoom(StoreContext& context, Core& core) RAWKV_REQUIRES(core.write_mu);

}  // namespace rawkv
