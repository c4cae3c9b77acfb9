#include "engine/admin/repair.h"
#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair_steps.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/recovery/store_end.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

struct Diagnosis {
  CheckReport found;
  RepairDecision decision;
};

Result<Diagnosis> Diagnose(StoreContext& c, const CheckOptions& check) {
  StoreChecker checker(c, check);
  Diagnosis out;
  RAWKV_ASSIGN_OR_RETURN(out.found, checker.Run());
  RAWKV_ASSIGN_OR_RETURN(out.decision, DecideRepair(c, checker.facts()));
  return out;
}

// A plan that explains why a store with a damaged STORE or superblock cannot be repaired.
std::optional<RepairPlan> PlanForUnopenable(const CheckReport& report) {
  for (const Finding& f : report.findings) {
    if (f.kind != "store" && f.kind != "superblock") continue;
    RepairPlan plan;
    plan.hopeless = std::string(f.kind == "store" ? "STORE is" : "the superblock is") + " damaged (" +
                    f.message +
                    "); snapshots, log and payload are untouched, but nothing shows any more how they belong "
                    "together. Restore " +
                    (f.kind == "store" ? "STORE" : "the device") +
                    " as it was after the last open, or import an export; see docs/repair.md";
    return plan;
  }
  return std::nullopt;
}

// The plan for a store that cannot be opened for a check; puts the check's result to `*report`. No plan if
// the store can be opened.
Result<std::optional<RepairPlan>> PlanIfUnopenable(const std::string& dir, const CheckOptions& check,
                                                   const OpenOptions& options, CheckReport* report) {
  const Result<std::unique_ptr<StoreContext>> c = OpenStoreContext(dir, options, ContextAccess::kInspect);
  if (c.ok()) return std::optional<RepairPlan>();
  if (c.status().code() != StatusCode::kCorruption) return c.status();
  RAWKV_ASSIGN_OR_RETURN(*report, CheckStore(dir, check, options));
  return PlanForUnopenable(*report);
}

bool IsAgreed(const RepairPlan& plan, const std::optional<VersionRanges>& may_give_up) {
  return !plan.needs_confirmation() || (may_give_up && *may_give_up == plan.gives_up);
}

// An interrupted rollback is finished or undone first: the repair judges the state after it.
RepairStep MakeRollbackFirstStep(const StoreContext& c) {
  return {"rollback", c.paths.rollback_marker(), {}, "an interrupted rollback is finished or undone first"};
}

}  // namespace

Result<RollbackPlan> PlanOfflineRollback(const std::string& dir, Version target,
                                         const RollbackOptions& rollback, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenStoreContext(store_dir, options, ContextAccess::kInspect));
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c->env.fs, c->paths.rollback_marker());
  if (marker.ok()) {
    return Status::FailedPrecondition(c->paths.dir +
                                      ": a rollback was interrupted; run the rollback (or open the store) "
                                      "to finish it first");
  }
  if (marker.status().code() != StatusCode::kNotFound) return marker.status();
  return PlanClosedRollback(*c, target, rollback);
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
  return RunRollback(*c, plan);
} catch (...) {
  return StatusOfException();
}

Result<RepairPlan> PlanRepair(const std::string& dir, const CheckOptions& check, const OpenOptions& options,
                              CheckReport* found) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  RAWKV_ASSIGN_OR_RETURN(const std::optional<RepairPlan> unopenable,
                         PlanIfUnopenable(store_dir, check, options, found));
  if (unopenable) return *unopenable;
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenStoreContext(store_dir, options, ContextAccess::kInspect));
  if (LoadRollbackMarker(*c->env.fs, c->paths.rollback_marker()).ok()) {
    StoreChecker checker(*c, check);
    RAWKV_ASSIGN_OR_RETURN(*found, checker.Run());
    RepairPlan plan;
    plan.steps.push_back(MakeRollbackFirstStep(*c));
    return plan;
  }
  RAWKV_ASSIGN_OR_RETURN(Diagnosis d, Diagnose(*c, check));
  *found = std::move(d.found);
  return std::move(d.decision.shown);
} catch (...) {
  return StatusOfException();
}

Result<RepairReport> RepairStore(const std::string& dir, const RepairOptions& repair,
                                 const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  const CheckOptions check{.deep = repair.deep};
  RepairReport out;
  RAWKV_ASSIGN_OR_RETURN(std::optional<RepairPlan> unopenable,
                         PlanIfUnopenable(store_dir, check, options, &out.left));
  if (unopenable) {
    out.plan = *std::move(unopenable);
    return out;
  }
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
  RAWKV_ASSIGN_OR_RETURN(out.left, CheckStore(store_dir, check, options));
  return out;
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
