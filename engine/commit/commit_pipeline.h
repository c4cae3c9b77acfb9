#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/api/write_batch.h"
#include "engine/commit/commit_prepare.h"
#include "engine/commit/flush_worker.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/poison.h"

namespace rawkv {

// Who commits when (protocols: commit step 4). Callers write their payloads side by side, then queue; the
// first in the queue leads: it takes whatever has queued during the previous sync, makes it durable
// in one round, and answers each.
//
//   1. Versions are numbered in queue order, by one leader at a time.
//   2. Acknowledged means durable: device flush and log sync → index applied → visible → answered.
//   3. After a failed sync nothing is tried again (Poison).
//   4. An exception (no memory) leaves neither the queue nor a member waiting. Before the log is touched
//      the commits are not applied and the engine works on; after it their outcome is unknown and the
//      engine is poisoned.
//
// Every caller of Commit and Sync is inside the OperationGate. Thread-safe.
class CommitPipeline {
 public:
  struct Hooks {
    // Called in order, each at most once a commit, while it finds no free slots.
    std::vector<std::function<Status()>> make_space;
    std::function<void()> committed;  // after each group, outside every lock
  };
  CommitPipeline(StoreContext& context, Core& core, Poison& poison, EngineCounters& counters, Hooks hooks);
  // Starts the thread that flushes the device; once, before the first Commit. kIoError when the system
  // refuses another thread.
  Status Start() { return flush_worker_.Start(); }

  CommitResult Commit(const WriteBatch& batch, const CommitOptions& options);
  // Makes everything acknowledged so far durable.
  Status Sync();

 private:
  struct Waiter {
    PreparedCommit commit;
    const CommitOptions* options = nullptr;
    CommitResult result;
    bool answered = false;  // `result` is final; the leader's
    bool done = false;      // the leader has finished with it
    CondVar turn;
  };
  static bool HasOnlyDeletes(const Waiter* waiter);

  void Enqueue(Waiter& waiter);
  CommitResult AwaitTurn(Waiter& waiter);
  void TakeGroup() RAWKV_REQUIRES(mu_);
  void RunGroup(std::span<Waiter* const> group);
  Status CommitGroup(std::span<Waiter* const> group) RAWKV_REQUIRES(core_.write_right());
  // Takes all that can run out, before the log is touched (invariant 13): after an error that
  // lacks_resource() nothing has changed. Any other error has poisoned the engine.
  Status MakeRoom(std::span<Waiter* const> group, uint64_t log_bytes) RAWKV_REQUIRES(core_.write_right());
  // The round itself, for waiters whose expectation held; sets `*unknown` once the log was touched. An
  // error after that has poisoned the engine. Never throws.
  Status CommitTogether(std::span<Waiter* const> group, bool* unknown) RAWKV_REQUIRES(core_.write_right());
  Status CommitRound(std::span<Waiter* const> group, bool* unknown) RAWKV_REQUIRES(core_.write_right());
  Status MakeDurable() RAWKV_REQUIRES(core_.write_right());
  void AnswerWaiters(std::span<Waiter* const> group, const Status& status, bool unknown);

  StoreContext& context_;
  Core& core_;
  Poison& poison_;
  EngineCounters& counters_;
  const Hooks hooks_;
  FlushWorker flush_worker_;
  // The leader's; their room is reserved, so that leading needs no memory.
  std::vector<Waiter*> group_;
  std::vector<Waiter*> accepted_;

  Mutex mu_;
  std::deque<Waiter*> queue_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
