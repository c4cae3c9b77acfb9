#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/thread.h"
#include "blockdev/io_queue.h"
#include "engine/api/session.h"
#include "engine/commit/commit_pipeline.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/operation_gate.h"
#include "engine/live/poison.h"
#include "engine/read/reader_epochs.h"
#include "engine/session/operation.h"

namespace rawkv {

// The parts of an open engine that sessions use. They outlive the hub.
struct SessionParts {
  StoreContext& context;
  Core& core;
  Poison& poison;
  EngineCounters& counters;
  ReaderEpochs& epochs;
  CommitPipeline* pipeline = nullptr;      // null in a read-only engine
  const std::atomic<uint64_t>& rollbacks;  // grows while a rollback has the gate shut
  std::function<Status()> readable;        // Engine::Impl::CheckReadable
  std::function<Status()> writable;
  std::function<Result<OperationGate::Pass>()> enter_to_commit;
  std::function<Result<OperationGate::Pass>()> enter_to_write;
};

// What the sessions of an engine share: the queue of the device, threads for look-ups that may block, and one
// committer. The threads start with the first session (docs/adr/0033).
//
//   1. A look-up thread runs a look-up that could block, and waits while a rollback replaces the index. There
//      are two at first, and another one starts when an operation would wait for one, up to 32.
//   2. The committer takes the commits of all sessions in the order in which they were queued, as many at a
//      time as it finds, and hands them to the CommitPipeline. A sync runs after each commit queued before
//      it.
//
// Thread-safe, except Close and the destructor.
class SessionHub {
 public:
  explicit SessionHub(SessionParts parts) : parts_(std::move(parts)) {}
  ~SessionHub() { Close(); }

  // kInvalidArgument: an option. kIoError: the system refuses a thread.
  Result<std::unique_ptr<Session>> Open(const SessionOptions& options);
  // Closes every session and ends the threads.
  void Close();

  const SessionParts& parts() const { return parts_; }
  IoQueue& io() { return *io_; }
  void QueueLookUp(Operation* operation);
  void QueueWrite(Operation* operation);

 private:
  // The threads of a queue of operations.
  struct Worker {
    Mutex mu;
    CondVar changed;
    OperationList waiting RAWKV_GUARDED_BY(mu);
    bool stop RAWKV_GUARDED_BY(mu) = false;
    size_t look_ups RAWKV_GUARDED_BY(mu) = 0;  // that wait or run
    std::vector<std::unique_ptr<Thread>> threads RAWKV_GUARDED_BY(mu);

    // Starts threads until there are `count`.
    Status Start(size_t count, const std::function<void()>& run) RAWKV_EXCLUDES(mu);
    Status StartAnother(const std::function<void()>& run) RAWKV_REQUIRES(mu);
    void Stop();
    void Queue(Operation* operation);
  };
  Status Start() RAWKV_REQUIRES(mu_);
  // Completes reads whose callers do not, for a thread that waits for readers.
  void AttendAll();
  void RunLookUps();
  void RunWrites();
  // Takes the next commits, or the next sync alone. False: the end.
  bool TakeWrites(std::vector<Operation*>& taken);
  void RunCommits(std::vector<Operation*>& commits);

  const SessionParts parts_;
  Mutex mu_;
  Mutex list_mu_;  // after mu_, and before SessionCore::mu_
  std::vector<std::weak_ptr<SessionCore>> sessions_ RAWKV_GUARDED_BY(list_mu_);
  std::unique_ptr<IoQueue> io_;  // constant once a session is open
  Worker look_ups_;
  Worker writes_;
  std::vector<CommitPipeline::Request> requests_;  // of the committer; its capacity is reserved
};

}  // namespace rawkv
