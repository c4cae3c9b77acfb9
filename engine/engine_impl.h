#pragma once

#include <atomic>
#include <memory>

#include "base/fork_guard.h"
#include "engine/commit/commit_pipeline.h"
#include "engine/engine.h"
#include "engine/live/core.h"
#include "engine/live/engine_counters.h"
#include "engine/live/operation_gate.h"
#include "engine/live/poison.h"
#include "engine/maintenance/background_task.h"
#include "engine/maintenance/maintenance.h"
#include "engine/maintenance/scrubber.h"
#include "engine/read/reader_epochs.h"
#include "engine/read/views.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/store/store_context.h"

namespace rawkv {

// The parts of an open store and how they are brought up, rolled back and closed. Engine's methods
// are thin over it. Lock order: rollback_mu_ → OperationGate → the mutexes of Maintenance → WriteRight →
// allocator, views, poison, context.
class Engine::Impl {
 public:
  static Result<std::unique_ptr<Impl>> Open(const std::string& dir, const OpenOptions& options);
  ~Impl();

  Status Close();
  Status Rollback(Version target, const RollbackOptions& options);
  // Refuses a process that was forked after the open.
  Status CheckProcess() const;
  // Ok while reads are possible.
  Status CheckReadable() const;
  // Also refuses a read-only engine.
  Status CheckWritable() const;

  // CheckReadable or CheckWritable, and a pass of the gate; see there.
  Result<OperationGate::Pass> EnterToRead();
  Result<OperationGate::Pass> EnterToWrite();
  Result<OperationGate::Pass> EnterToCommit();

  // The tip, or a retained version as a clone.
  Result<std::shared_ptr<const EngineView>> OpenView(std::optional<Version> version, const char* kind);

  const ForkGuard process;  // that opened the store
  std::unique_ptr<StoreContext> context;
  EngineCounters counters;
  Poison poison;
  OperationGate gate;
  ReaderEpochs epochs;
  ViewRegistry views{process};
  Core core;
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<CommitPipeline> pipeline;
  std::unique_ptr<Scrubber> scrubber;  // of a store open for writing
  std::atomic<uint64_t> snapshot_interval{0};

 private:
  Impl() = default;
  void AfterCommit();  // asks for an automatic snapshot when one is due
  void AutomaticSnapshot();
  Status SyncForClose();  // what a normal close makes durable
  // kFailedPrecondition if something blocks it.
  Result<RollbackPlan> PlanUnblockedRollback(Version target, const RollbackOptions& options);
  // While no reader is inside: the instant, then the store is brought up again.
  SwitchOutcome SwitchAndBringUp(const RollbackMarker& marker, Status* status);

  Mutex rollback_mu_;  // one rollback at a time

  std::shared_ptr<const EngineView> read_only_tip_;
  std::unique_ptr<BackgroundTask> snapshot_task_;
  std::atomic<uint64_t> last_snapshot_{0};  // version of the newest one, or of the last attempt
  std::atomic<uint64_t> log_bytes_at_snapshot_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> unusable_{false};  // a rollback could not bring the store up again
};

}  // namespace rawkv
