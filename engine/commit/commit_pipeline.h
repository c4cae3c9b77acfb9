#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/worker_thread.h"
#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/api/write_batch.h"
#include "engine/commit/commit_prepare.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/poison.h"
#include "engine/undo/undo_recorder.h"

namespace rawkv {

// Forms commit groups and commits them (protocols: commit steps 4 to 12). Callers write their payload
// concurrently and join a queue. The caller at the front leads: it takes everything that queued during the
// previous sync, makes it durable in one round, and answers each member.
//
//   1. One leader at a time numbers the versions, in the order of the queue.
//   2. Acknowledged means durable: device flush and log sync → index applied → visible → answered.
//   3. After a failed sync nothing is tried again (Poison).
//   4. After an exception, for lack of memory, no member waits for ever. Before the log is written, the
//      commits are not applied and the engine stays usable. After it, their outcome is unknown and the engine
//      is poisoned.
//
// Every caller of Commit and Sync is inside the OperationGate. Thread-safe.
class CommitPipeline {
 public:
  struct Hooks {
    // A commit that finds no free slots calls these in order, each at most once.
    std::vector<std::function<Status()>> make_space;
    // The version above the tip with which a round must end, and a call once a round has ended there, with
    // the write right.
    std::function<Version()> next_height;
    std::function<void(Version)> at_height;
    std::function<void()> committed;  // called after each group, without a lock
  };
  CommitPipeline(StoreContext& context, Core& core, Poison& poison, EngineCounters& counters, Hooks hooks);
  // Starts the thread that flushes the device. Call it once, before the first Commit. kIoError: the system
  // refuses another thread.
  Status Start() { return flush_worker_.Start(); }

  CommitResult Commit(const WriteBatch& batch, const CommitOptions& options);
  // One of several commits that one thread makes together. They are numbered in their order, and share syncs.
  struct Request {
    const WriteBatch* batch = nullptr;
    const CommitOptions* options = nullptr;
    CommitResult result{};  // set by CommitMany
  };
  void CommitMany(std::span<Request> requests);
  // Makes every acknowledged version durable.
  Status Sync();

 private:
  struct Waiter {
    const WriteBatch* batch = nullptr;
    PreparedCommit commit;
    const CommitOptions* options = nullptr;
    CommitResult result;
    bool answered = false;    // `result` is final; only the leader uses it
    bool done = false;        // the leader does not use this waiter any more
    CondVar* turn = nullptr;  // shared by the commits of one caller
  };
  static bool HasOnlyDeletes(const Waiter* waiter);

  // Validates the batches, writes their payload together and encodes their records. After an error a waiter
  // has its answer and is done.
  void Prepare(std::span<Waiter> waiters);
  // Runs a step of preparing one commit. Returns whether it was ok; after an error the waiter has its answer.
  bool PrepareStep(Waiter& waiter, const std::function<Status()>& step);
  // Queues the waiters that are prepared, and returns when each of them has its answer.
  void RunWaiters(std::span<Waiter> waiters);
  void Enqueue(std::span<Waiter> waiters);
  void LeadGroup() RAWKV_REQUIRES(mu_);
  void TakeGroup() RAWKV_REQUIRES(mu_);
  void RunGroup(std::span<Waiter* const> group);
  Status CommitGroup(std::span<Waiter* const> group) RAWKV_REQUIRES(core_.write_right());
  // The same, up to the next height. Returns the number of members that it has answered.
  Result<size_t> CommitToHeight(std::span<Waiter* const> group) RAWKV_REQUIRES(core_.write_right());
  // Takes everything that can run out, before the log is written (invariant 13). After an error that
  // lacks_resource() nothing has changed. Any other error has poisoned the engine.
  Status MakeRoom(std::span<Waiter* const> group, uint64_t log_bytes) RAWKV_REQUIRES(core_.write_right());
  // Commits waiters whose expected versions are right, in one round. Sets `*unknown` before it writes to the
  // log. An error after that has poisoned the engine. Throws nothing.
  Status CommitTogether(std::span<Waiter* const> group, bool* unknown) RAWKV_REQUIRES(core_.write_right());
  Status CommitRound(std::span<Waiter* const> group, bool* unknown) RAWKV_REQUIRES(core_.write_right());
  // Protocols: commit step 9. The group is durable once this has returned ok.
  Status MakeDurable() RAWKV_REQUIRES(core_.write_right());
  // The undo records of a group. Puts them into its batch if nothing is to be looked up for them; otherwise
  // returns a read point for the backlog. Also deletes the records that leave the window.
  std::shared_ptr<const ReadPoint> PrepareUndo(Version newest, UndoRecorder* undo, IndexBatch& batch)
      RAWKV_REQUIRES(core_.write_right());
  void AnswerWaiters(std::span<Waiter* const> group, const Status& status, bool unknown);

  StoreContext& context_;
  Core& core_;
  Poison& poison_;
  EngineCounters& counters_;
  const Hooks hooks_;
  WorkerThread flush_worker_;  // flushes the device
  // Only the leader uses them. Their capacity is reserved, so that the leader allocates nothing.
  std::vector<Waiter*> group_;
  std::vector<Waiter*> accepted_;

  Mutex mu_;
  std::deque<Waiter*> queue_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
