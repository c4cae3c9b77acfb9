#include <fmt/format.h>

#include "engine/admin/repair.h"
#include "report/history_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/confirm.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/work_text.h"

namespace rawkv::ctl {
namespace {

struct PlanOutcome {
  bool dry_run = false;
  bool done = false;
};

OrderedJson PlanJson(const RollbackPlan& plan, PlanOutcome outcome) {
  OrderedJson json = RollbackPlanJson(plan);
  json["dry_run"] = outcome.dry_run;
  json["done"] = outcome.done;
  return json;
}

std::string WayText(const RollbackPlan& plan) {
  const auto count = [](uint64_t n) { return fmt::format("{} version{}", n, n == 1 ? "" : "s"); };
  if (plan.changes_nothing()) return "none";
  if (plan.records == 0) return "the snapshot is the target";
  const std::string replay = fmt::format("replay {} on the snapshot", count(plan.records));
  if (!plan.start.has_value()) return replay;
  const std::string start = fmt::format("the working index at version {}", plan.start->value());
  if (*plan.start > plan.to)
    return fmt::format("undo {} of {}", count(plan.start->value() - plan.to.value()), start);
  return fmt::format("replay {} on {}", count(plan.to.value() - plan.start->value()), start);
}

// What the rollback does; the time that it takes is not a part of what the operator agrees to.
std::string PlanText(const RollbackPlan& plan) {
  std::string versions = "none";
  if (plan.versions_dropped.has_value()) {
    const auto& [first, last] = *plan.versions_dropped;
    versions = RangeText(first, last);
  }
  std::string text =
      fmt::format("rollback from version {} to version {}\n", plan.from.value(), plan.to.value());
  const auto add = [&text](std::string_view label, std::string_view value) {
    text += fmt::format("  {:<18} {}\n", label, OneLine(value));
  };
  add("base snapshot", ToString(plan.base));
  add("records to replay", std::to_string(plan.records));
  add("way", WayText(plan));
  add("versions dropped", versions);
  for (const Version version : plan.snapshots_dropped) add("snapshot dropped", ToString(version));
  for (const auto& [name, version] : plan.pins_dropped) {
    add("pin dropped", fmt::format("{} (version {})", name, version.value()));
  }
  if (plan.log_begins_anew) {
    add("log",
        fmt::format("starts again at version {}: it is damaged below the target", plan.to.value() + 1));
  }
  for (const auto& [first, last] : plan.history_dropped) {
    add("history dropped", RangeText(first, last) + ", including the damaged versions");
  }
  for (const std::string& blocker : plan.blocked_by) add("blocked by", blocker);
  return text;
}

std::string TimeText(const RollbackPlan& plan) {
  return plan.changes_nothing() ? "" : fmt::format("  {:<18} {}\n", "time", WorkText(plan.estimate));
}

Status PrintPlan(Invocation& call, const RollbackPlan& plan, PlanOutcome outcome) {
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(PlanJson(plan, outcome)))
                                        : call.out.Write(PlanText(plan) + TimeText(plan)));
  return call.out.Flush();
}

Status RefuseIfBlocked(const RollbackPlan& plan) {
  if (plan.blocked_by.empty()) return Status::Ok();
  return Status::FailedPrecondition(
      fmt::format("refused, nothing changed: {}", fmt::join(plan.blocked_by, "; ")));
}

// Rolls the store back without opening it, so that it works on a store that cannot be opened.
class Rollback {
 public:
  Rollback(std::string dir, Version target, Invocation& call)
      : dir_(std::move(dir)), target_(target), call_(call), options_{.drop_pins = call.flags.drop_pins} {}

  Result<RollbackPlan> Plan() {
    OpenOptions open = OpenOptionsOf(call_);
    open.read_only = call_.flags.dry_run;
    Result<RollbackPlan> plan = PlanOfflineRollback(dir_, target_, options_, open);
    call_.progress.Wipe();
    if (!plan.ok()) return TurnAbsentIntoRefused(plan.status());
    return plan;
  }

  // An interrupted earlier rollback must be completed first. Engine::Open finishes or undoes it before
  // anything else, also if the open itself fails afterwards; so its result is ignored.
  Result<RollbackPlan> PlanAfterInterruption() {
    Result<RollbackPlan> plan = Plan();
    if (plan.status().code() != StatusCode::kFailedPrecondition) return plan;
    { const auto finished = Engine::Open(dir_, OpenOptionsOf(call_)); }
    return Plan();
  }

  // Executes the plan only if it is still valid: a writer may have changed the store while the user decided.
  Status Execute(const RollbackPlan& confirmed) {
    RAWKV_ASSIGN_OR_RETURN(const RollbackPlan now, Plan());
    if (PlanText(now) != PlanText(confirmed)) {
      return Status::FailedPrecondition(
          "refused, nothing changed: the store has changed since the plan was made; "
          "print the new plan with --dry_run");
    }
    const Status status = OfflineRollback(dir_, target_, options_, OpenOptionsOf(call_));
    call_.progress.Wipe();
    return TurnAbsentIntoRefused(status);
  }

 private:
  const std::string dir_;
  const Version target_;
  Invocation& call_;
  const RollbackOptions options_;
};

}  // namespace

Result<ExitStatus> RunRollback(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(std::string dir, StoreDirOf(call.flags));
  RAWKV_RETURN_IF_ERROR(RequireVersionOrTime(call.flags));
  if (call.flags.time.has_value()) {
    RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
    RAWKV_RETURN_IF_ERROR(ResolveTime(*engine, call.flags));
    RAWKV_RETURN_IF_ERROR(engine.Close());
  }
  const Version target = *call.flags.version;
  Rollback rollback(std::move(dir), target, call);
  RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan,
                         call.flags.dry_run ? rollback.Plan() : rollback.PlanAfterInterruption());
  const bool nothing_to_do = plan.changes_nothing() && plan.blocked_by.empty();
  if (call.flags.dry_run || nothing_to_do) {
    RAWKV_RETURN_IF_ERROR(
        PrintPlan(call, plan, {.dry_run = call.flags.dry_run, .done = !call.flags.dry_run}));
    RAWKV_RETURN_IF_ERROR(RefuseIfBlocked(plan));
    return ExitStatus::kDone;
  }
  // The text output shows the plan before the question. The JSON output is one document, printed at the end,
  // when `done` is known.
  if (!call.flags.json) RAWKV_RETURN_IF_ERROR(PrintPlan(call, plan, {}));
  Status status = RefuseIfBlocked(plan);
  if (status.ok()) {
    status = Confirm(call, call.flags.json ? PlanText(plan) : "", "The dropped versions cannot be restored.");
  }
  if (status.ok()) status = rollback.Execute(plan);
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(PrintPlan(call, plan, {.done = status.ok()}));
  } else if (status.ok()) {
    RAWKV_RETURN_IF_ERROR(call.out.Line(fmt::format("done: the store is at version {}", plan.to.value())));
  }
  RAWKV_RETURN_IF_ERROR(status);
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
