#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/thread.h"
#include "engine/cache/cache_core.h"
#include "engine/engine.h"

namespace rawkv {

// The thread that makes room: it commits evictions, gets the slots of removed objects back from the engine,
// resumes the puts that wait, and saves the order of use at intervals. Thread-safe, except Start and Stop.
class CacheKeeper {
 public:
  CacheKeeper(const ObjectCacheOptions& options, Engine& engine, CacheCore& core, uint64_t inline_bytes)
      : options_(options), engine_(engine), core_(core), inline_bytes_(inline_bytes) {}
  ~CacheKeeper() { Stop(); }

  Status Start();
  // Ends the thread after the round under way. Idempotent.
  void Stop();
  void Wake();
  // Evicts at least so many slots, if they may go, and gets them back. Returns how many it evicted.
  Result<uint64_t> Evict(uint64_t slots);
  Status SaveRecency();

 private:
  void Run();
  void Tick();
  // One round of CacheCore, with its commit. `worked` also if slots became free.
  Status MakeRoom(uint64_t extra_slots, bool sweep, uint64_t* removed, bool* worked);
  // Whether the device has the room that a put did not get: then evictions do not help.
  bool HasRoomFor(uint64_t slots);

  const ObjectCacheOptions& options_;
  Engine& engine_;
  CacheCore& core_;
  const uint64_t inline_bytes_;

  Mutex round_mu_;  // one round at a time; before the mutexes of the core and the sessions
  uint64_t saved_changes_ RAWKV_GUARDED_BY(round_mu_) = 0;
  uint64_t saved_at_ns_ RAWKV_GUARDED_BY(round_mu_) = 0, swept_at_ns_ RAWKV_GUARDED_BY(round_mu_) = 0;

  Mutex mu_;
  CondVar changed_;
  bool requested_ RAWKV_GUARDED_BY(mu_) = false;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Thread thread_;
};

}  // namespace rawkv
