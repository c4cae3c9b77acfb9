// The rollback of an open store.

#include <algorithm>

#include "base/exception_status.h"
#include "engine/engine_impl.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/rollback_plan.h"

namespace rawkv {

Result<RollbackPlan> Engine::Impl::PlanUnblockedRollback(Version target, const RollbackOptions& options) {
  RAWKV_RETURN_IF_ERROR(CheckReadable());
  RAWKV_ASSIGN_OR_RETURN(RollbackPlan plan, maintenance->PlanRollback(target, options));
  RAWKV_RETURN_IF_ERROR(CheckNotBlocked(plan));
  return plan;
}

Status Engine::Impl::SyncForRollback(const RollbackPlan& plan) {
  {
    const WriteRight write(core);
    // Some more versions, as the next rollback may go further back. The others have no records afterwards.
    constexpr uint64_t kMoreVersions = 32;
    (void)WriteUndoAbove(core, Version(plan.to.value() - std::min(plan.to.value(), kMoreVersions)));
    core.undo_backlog.Clear();
    const Status synced = SyncAll(*context, core);
    if (!synced.ok()) {
      poison.Set(synced);
      return synced;
    }
  }
  if (plan.base == plan.to) return Status::Ok();
  // Without room, step "build" starts from what is flushed, or from the snapshot.
  const Status flushed = maintenance->FlushForClone();
  return flushed.lacks_resource() ? Status::Ok() : flushed;
}

Status Engine::Impl::Rollback(Version target, const RollbackOptions& options) {
  MutexLock one_at_a_time(rollback_mu_);
  const Checkpointer::Pause no_checkpoint(checkpointer.get());  // its view would block the rollback
  {
    RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, EnterToWrite());
    RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan, PlanUnblockedRollback(target, options));
    if (plan.changes_nothing()) return Status::Ok();
    // The open could not write STORE or the device, so the rollback might stop half-way, where nothing can be
    // read until a reopen.
    RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(*context));
  }
  const OperationGate::Shut alone(
      gate, Status::FailedPrecondition("the store is being rolled back to version " + ToString(target)));
  ForgetReplay();
  RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan, PlanUnblockedRollback(target, options));
  if (plan.changes_nothing()) return Status::Ok();
  ++rollbacks;  // sessions do not apply what they accepted before
  RAWKV_RETURN_IF_ERROR(SyncForRollback(plan));
  const RollbackMarker marker = MakeRollbackMarker(*context, plan);
  // Readers continue while the new index is built: nothing writes the live index, and no slot is freed.
  Status status =
      NoThrow([&] { return PrepareRollback(*context, marker, {.working = true, .live = core.index.get()}); });
  if (status.ok()) {
    epochs.Close();
    // A view of the tip or a lease of another process may have been opened since the last plan.
    const Result<RollbackPlan> still = NoThrow([&] { return PlanUnblockedRollback(target, options); });
    const SwitchOutcome outcome = still.ok() ? SwitchAndBringUp(marker, &status) : SwitchOutcome::kNotDone;
    if (!still.ok()) status = still.status();
    epochs.Reopen();
    if (outcome != SwitchOutcome::kNotDone) return status;
  }
  const Status undone = NoThrow([&] { return UndoRollback(*context, marker); });
  if (undone.ok()) return status;
  poison.Set(undone.WithContext("undoing a rollback"));
  return status.WithContext("and undoing it failed, reopen the store (" + undone.ToString() + ")");
}

SwitchOutcome Engine::Impl::SwitchAndBringUp(const RollbackMarker& marker, Status* status) {
  SwitchOutcome outcome = SwitchOutcome::kUnclear;  // the outcome if an exception ends the switch
  const Status ended = NoThrow([&]() -> Status {
    outcome = SwitchRollback(*context, marker, status);
    return {};
  });
  if (!ended.ok()) *status = ended;
  // The old index and the old log stay in use.
  if (outcome == SwitchOutcome::kNotDone) return outcome;
  core.Reset();
  views.DropKept();  // they may be of versions that are gone
  if (outcome == SwitchOutcome::kDone) {
    *status = NoThrow([&] { return FinishRollback(*context, marker); });
  }
  const Status up = NoThrow([&] { return Recover(*context, core); });
  if (!up.ok()) {
    unusable_ = true;
    poison.Set(up);
    if (status->ok()) *status = up;
    return outcome;
  }
  automatic_->AfterRollback();
  // If the recovery has finished the rollback, an earlier error does not count.
  if (core.tip.Get() == marker.target) *status = Status::Ok();
  return outcome;
}

}  // namespace rawkv
