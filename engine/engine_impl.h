#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "base/fork_guard.h"
#include "engine/checkpoint/checkpointer.h"
#include "engine/commit/commit_pipeline.h"
#include "engine/control/control_server.h"
#include "engine/engine.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/operation_gate.h"
#include "engine/live/poison.h"
#include "engine/live/status_publisher.h"
#include "engine/maintenance/automatic_snapshots.h"
#include "engine/maintenance/maintenance.h"
#include "engine/maintenance/scrubber.h"
#include "engine/read/diff.h"
#include "engine/read/history.h"
#include "engine/read/reader_epochs.h"
#include "engine/read/views.h"
#include "engine/recovery/retry_while_changing.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/session/session_hub.h"
#include "engine/store/store_context.h"

namespace rawkv {

// The parts of an open store. Opens, rolls back and closes them; the methods of Engine do little more than
// call it. Thread-safe, except Open, Close and the destructor. Lock order: rollback_mu_ → OperationGate → the
// mutexes of Maintenance → WriteRight → allocator, views, poison, context.
class Engine::Impl {
 public:
  static Result<std::unique_ptr<Impl>> Open(const std::string& dir, const OpenOptions& options);
  ~Impl();

  Status Close();
  // Takes the requests of other processes from now on, until Close. If that cannot be, logs the reason.
  void StartControl(std::function<ControlReply(const ControlRequest&)> perform);
  Status Rollback(Version target, const RollbackOptions& options);
  // kFailedPrecondition in a process that was forked after the open.
  Status CheckProcess() const;
  // CheckProcess, and an error if the store is closed or unusable.
  Status CheckReadable() const;
  // CheckReadable, and kFailedPrecondition if the engine is read-only.
  Status CheckWritable() const;

  // Check that the store is readable (EnterToRead) or writable, and enter the gate. EnterToCommit fails while
  // a rollback has the gate shut; the others wait.
  Result<OperationGate::Pass> EnterToRead();
  Result<OperationGate::Pass> EnterToWrite();
  Result<OperationGate::Pass> EnterToCommit();

  EngineStats Stats() const;
  Status Refresh();
  // Calls `look`, which reads the store's directory, again while a writer in another process changes it.
  template <typename T>
  Result<T> Look(const std::function<Result<T>()>& look) {
    if (context->lock != nullptr) return look();
    return FindWhileChanging(*context->env.fs, context->paths.dir, context->options.lock_wait_ms, look);
  }
  // The history up to the tip. The caller is inside the gate.
  HistorySource history() { return {*context, *core.index, core.tip.Get()}; }
  Result<HistoryPage> ReadHistoryPage(const HistoryOptions& options);
  // By undo records or the log; absent if only a comparison can find the differences.
  Result<std::optional<Differences>> CollectDifferences(const DiffRange& range, DiffWay way);
  // A view of the tip without `version`, otherwise of that version. `kind` is PinnedBy::kind.
  Result<std::shared_ptr<const EngineView>> OpenView(std::optional<Version> version, const char* kind);

  const ForkGuard process;  // the process that opened the store
  std::unique_ptr<StoreContext> context;
  EngineCounters counters;
  Poison poison;
  OperationGate gate;
  ReaderEpochs epochs;
  ViewRegistry views{process};
  Core core;
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<CommitPipeline> pipeline;
  std::unique_ptr<Scrubber> scrubber;  // null in a read-only engine
  std::unique_ptr<Checkpointer>
      checkpointer;  // null in a read-only engine, and in a store without checkpoints
  std::unique_ptr<SessionHub> sessions;
  std::atomic<uint64_t> rollbacks{0};      // grows while a rollback has the gate shut
  std::unique_ptr<ControlServer> control;  // null if this engine takes no requests

 private:
  explicit Impl(const OpenOptions& options);
  std::unique_ptr<SessionHub> MakeSessionHub();
  void StartScrubOfOpen();
  void StartCheckpoints();
  // The last way to make space for a commit.
  Status LetGoOfCheckpoints();
  // For a read-only engine: makes the newest version in the log the tip. The errors are those of
  // OpenNewestView.
  Status ReadNewest();
  // ReadNewest for the open. If no lease can be made, because the filesystem is full or read-only, takes the
  // store's lock instead, which it keeps until the close.
  Status ReadNewestOrLock();
  // The state of this engine, which can write, for STATUS. Waits for nothing but a commit's apply in memory.
  WriterStatus DescribeSelf();
  void ForgetReplay() {
    MutexLock lock(progress_mu_);
    replay_ = {};
  }
  void LogUnserved(const Status& started);
  // Stops what works in the background, and closes everything.
  Status CloseParts();
  void WriteCheckpointForClose();
  Status SyncForClose();  // makes everything durable and writes the final watermark
  // kFailedPrecondition if something blocks the rollback.
  Result<RollbackPlan> PlanUnblockedRollback(Version target, const RollbackOptions& options);
  // Makes log and device durable, and flushes the index if the rollback can start from it.
  Status SyncForRollback(const RollbackPlan& plan);
  // Switches to the target, finishes the rollback and recovers the store. No reader may be inside. `*status`
  // is the result of the rollback.
  SwitchOutcome SwitchAndBringUp(const RollbackMarker& marker, Status* status);

  Mutex rollback_mu_;  // one rollback at a time

  Mutex refresh_mu_;  // one refresh at a time
  std::shared_ptr<const EngineView> read_only_tip_;
  std::unique_ptr<AutomaticSnapshots> automatic_;  // null in a read-only engine
  std::atomic<bool> closed_{false};
  std::atomic<bool> unusable_{false};  // the recovery after a rollback failed
  std::atomic<bool> ready_{false};     // the open is complete

  Mutex progress_mu_;
  WriterActivity replay_ RAWKV_GUARDED_BY(progress_mu_);  // of the open or rollback under way
  std::unique_ptr<StatusPublisher> status_;  // null in a read-only engine; last, as its thread uses the rest
};

}  // namespace rawkv
