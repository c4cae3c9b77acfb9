#include "engine/admin/repair.h"
#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair_plan.h"
#include "engine/recovery/lost_identity.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/replay_estimate.h"
#include "engine/recovery/retry_while_changing.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/recovery/store_end.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

struct Diagnosis {
  CheckReport found;
  RepairDecision decision;
};

RepairStep MakeRollbackFirstStep(const StoreContext& c) {
  return {"rollback", c.paths.rollback_marker(), {}, "an interrupted rollback is finished or undone first"};
}

Result<Diagnosis> Diagnose(StoreContext& c, const CheckOptions& check) {
  StoreChecker checker(c, check);
  Diagnosis out;
  RAWKV_ASSIGN_OR_RETURN(out.found, checker.Run());
  if (LoadRollbackMarker(*c.env.fs, c.paths.rollback_marker()).ok()) {
    out.decision.shown.steps.push_back(MakeRollbackFirstStep(c));
  } else {
    RAWKV_ASSIGN_OR_RETURN(out.decision, DecideRepair(c, checker.facts()));
  }
  return out;
}

// The loss that keeps the store from being opened; the result of the check goes to `*report` then. Absent if
// the store can be opened.
Result<std::optional<LostIdentity>> FindLossIfUnopenable(const std::string& dir, const CheckOptions& check,
                                                         const OpenOptions& options, CheckReport* report) {
  const Result<std::unique_ptr<StoreContext>> c = OpenStoreContext(dir, options, ContextAccess::kRead);
  if (c.ok()) return std::optional<LostIdentity>();
  RAWKV_ASSIGN_OR_RETURN(LostIdentity lost, FindLostIdentity(dir, options, c.status()));
  RAWKV_ASSIGN_OR_RETURN(*report, CheckStore(dir, check, options));
  return std::optional<LostIdentity>(std::move(lost));
}

RepairPlan PlanForLoss(const LostIdentity& lost) {
  RepairPlan plan;
  const bool files = lost.part == LostIdentity::Part::kStoreFiles;
  const std::string what = files ? "STORE and STORE-COPY are" : "both superblocks of the device are";
  if (!lost.hopeless.empty()) {
    plan.hopeless =
        what + " lost (" + lost.cause.message() + "), and the repair changes nothing: " + lost.hopeless;
    return plan;
  }
  plan.steps.push_back({"restore",
                        lost.where,
                        {},
                        what + " made again from " +
                            (files ? "the superblock; damaged files are moved aside" : "STORE") +
                            "; the rest of the store is checked after that"});
  plan.trusted = lost.trusted;
  return plan;
}

bool IsAgreed(const RepairPlan& plan, const std::optional<VersionRanges>& may_give_up) {
  return !plan.needs_confirmation() || (may_give_up && *may_give_up == plan.gives_up);
}

// Makes the plan of a rollback. Without the lock, a process that has the store open blocks it.
Result<RollbackPlan> PlanAt(const std::string& store_dir, Version target, const RollbackOptions& rollback,
                            const OpenOptions& options, ContextAccess access) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c, OpenStoreContext(store_dir, options, access));
  const bool elsewhere = c->lock == nullptr && IsOpenElsewhere(*c);
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c->env.fs, c->paths.rollback_marker());
  if (marker.ok() && elsewhere) return Status::Busy(c->paths.dir + ": is being rolled back; try again");
  if (marker.ok()) {
    return Status::FailedPrecondition(c->paths.dir +
                                      ": a rollback was interrupted; run the rollback (or open the store) "
                                      "to finish it first");
  }
  if (marker.status().code() != StatusCode::kNotFound) return marker.status();
  RAWKV_ASSIGN_OR_RETURN(RollbackPlan plan, PlanClosedRollback(*c, target, rollback));
  RAWKV_ASSIGN_OR_RETURN(plan.estimate, EstimateReplay(*c, plan));
  if (elsewhere) {
    const WriterInfo holder = ReadLockHolder(*c->env.fs, c->paths.dir).value_or(WriterInfo{});
    plan.blocked_by.push_back("process " + std::to_string(holder.pid) + " on " + holder.host +
                              " has the store open");
  }
  return plan;
}

}  // namespace

Result<RollbackPlan> PlanOfflineRollback(const std::string& dir, Version target,
                                         const RollbackOptions& rollback, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  if (!options.read_only) return PlanAt(store_dir, target, rollback, options, ContextAccess::kInspect);
  return FindWhileChanging<RollbackPlan>(*options.env.fs, store_dir, options.lock_wait_ms, [&] {
    return PlanAt(store_dir, target, rollback, options, ContextAccess::kRead);
  });
} catch (...) {
  return StatusOfException();
}

Status OfflineRollback(const std::string& dir, Version target, const RollbackOptions& rollback,
                       const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenStoreContext(store_dir, options, ContextAccess::kWrite));
  RAWKV_RETURN_IF_ERROR(FinishOrUndoRollback(*c));
  RAWKV_RETURN_IF_ERROR(SweepLeftovers(*c));
  RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan, PlanClosedRollback(*c, target, rollback));
  RAWKV_RETURN_IF_ERROR(CheckNotBlocked(plan));
  if (plan.changes_nothing()) return Status::Ok();
  return RunRollback(*c, plan, {.working = true});
} catch (...) {
  return StatusOfException();
}

Result<RepairPlan> PlanRepair(const std::string& dir, const CheckOptions& check, const OpenOptions& options,
                              CheckReport* found) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  RAWKV_ASSIGN_OR_RETURN(const std::optional<LostIdentity> loss,
                         FindLossIfUnopenable(store_dir, check, options, found));
  if (loss) return PlanForLoss(*loss);
  RepairPlan plan;
  RAWKV_ASSIGN_OR_RETURN(
      *found, CheckStoreWith(store_dir, check, options, [&](StoreContext& c) -> Result<CheckReport> {
        RAWKV_ASSIGN_OR_RETURN(Diagnosis d, Diagnose(c, check));
        plan = std::move(d.decision.shown);
        return std::move(d.found);
      }));
  return plan;
} catch (...) {
  return StatusOfException();
}

Result<RepairReport> RepairStore(const std::string& dir, const RepairOptions& repair,
                                 const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  const CheckOptions check{.deep = repair.deep};
  RepairReport out;
  RAWKV_ASSIGN_OR_RETURN(const std::optional<LostIdentity> loss,
                         FindLossIfUnopenable(store_dir, check, options, &out.left));
  if (loss) {
    out.plan = PlanForLoss(*loss);
    if (!out.plan.hopeless.empty() || !IsAgreed(out.plan, repair.may_give_up)) return out;
    RAWKV_RETURN_IF_ERROR(RestoreIdentity(store_dir, options));
    out.repaired = out.plan.steps;
  }
  const std::vector<std::string> trusted = std::move(out.plan.trusted);
  {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                           OpenStoreContext(store_dir, options, ContextAccess::kWrite));
    if (LoadRollbackMarker(*c->env.fs, c->paths.rollback_marker()).ok()) {
      RAWKV_RETURN_IF_ERROR(FinishOrUndoRollback(*c));
      out.repaired.push_back(MakeRollbackFirstStep(*c));
    }
    RAWKV_RETURN_IF_ERROR(SweepLeftovers(*c));
    // The decision does not depend on payload, so only the check after the repair reads it.
    RAWKV_ASSIGN_OR_RETURN(Diagnosis d, Diagnose(*c, {}));
    out.agreed = IsAgreed(d.decision.shown, repair.may_give_up);
    RAWKV_RETURN_IF_ERROR(WithReserve(*c, [&] { return RunRepair(*c, d.decision, out.agreed); }));
    out.plan = std::move(d.decision.shown);
  }
  for (const RepairStep& step : out.plan.steps) {
    if (out.agreed || step.needs_no_agreement()) out.repaired.push_back(step);
  }
  out.plan.trusted = trusted;
  RAWKV_ASSIGN_OR_RETURN(out.left, CheckStore(store_dir, check, options));
  return out;
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
