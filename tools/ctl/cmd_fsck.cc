#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/confirm.h"
#include "tools/ctl/hints.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// The result of a repair, or of its dry run.
struct Outcome {
  CheckReport report;
  RepairPlan plan;
  std::vector<RepairStep> steps;
  bool dry_run = false;
};

OrderedJson OutcomeJson(const Outcome& outcome) {
  OrderedJson out = CheckReportFields(outcome.report);
  OrderedJson& steps = out["repaired"] = OrderedJson::array();
  for (const RepairStep& step : outcome.steps) {
    steps.push_back(OrderedJson{{"action", step.action},
                                {"where", step.where},
                                {"version", VersionJson(step.version)},
                                {"message", step.message}});
  }
  out["gives_up"] = RangesJson(outcome.plan.gives_up);
  out["pins_dropped"] = PinsJson(outcome.plan.pins_dropped);
  out["dry_run"] = outcome.dry_run;
  return out;
}

std::string GivenUpText(const RepairPlan& plan) {
  std::string text;
  for (const auto& [first, last] : plan.gives_up) {
    text += first == last ? fmt::format("gives up: version {}\n", first.value())
                          : fmt::format("gives up: versions {} to {}\n", first.value(), last.value());
  }
  for (const auto& [name, version] : plan.pins_dropped) {
    text += fmt::format("gives up: pin {} (version {})\n", OneLine(name), version.value());
  }
  return text;
}

std::string StepsText(const std::vector<RepairStep>& steps, std::string_view verb) {
  std::string text;
  for (const RepairStep& step : steps) {
    const std::string version =
        step.version.has_value() ? fmt::format(" (version {})", step.version->value()) : "";
    text += fmt::format("{}: {}: {}{}: {}\n", verb, step.action, OneLine(step.where), version,
                        OneLine(step.message));
  }
  return text;
}

std::string PlanText(const RepairPlan& plan) {
  return StepsText(plan.steps, "would repair") + GivenUpText(plan);
}

Result<ExitStatus> PrintOutcome(Invocation& call, const Outcome& outcome) {
  std::string text;
  if (call.flags.json) {
    text = JsonText(OutcomeJson(outcome)) + '\n';
  } else if (outcome.dry_run) {
    text = CompleteHints(PlanText(outcome.plan) + CheckReportText(outcome.report), call.flags);
  } else {
    text = StepsText(outcome.steps, "repaired") + CompleteHints(CheckReportText(outcome.report), call.flags);
  }
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return outcome.report.ok() ? ExitStatus::kDone : ExitStatus::kNo;
}

Result<ExitStatus> Repair(Invocation& call, const std::string& dir) {
  Outcome outcome{.report = {}, .plan = {}, .steps = {}, .dry_run = call.flags.dry_run};
  const CheckOptions check{.deep = call.flags.deep && call.flags.dry_run};
  Result<RepairPlan> plan = PlanRepair(dir, check, OpenOptionsOf(call), &outcome.report);
  call.progress.Wipe();
  if (!plan.ok()) return TurnAbsentIntoRefused(plan.status());
  std::string note = plan->hopeless;
  if (call.flags.dry_run) {
    outcome.steps = plan->steps;
    outcome.plan = *std::move(plan);
    if (!note.empty()) outcome.report.notes.push_back(note);
    return PrintOutcome(call, outcome);
  }
  RepairOptions repair{.deep = call.flags.deep, .may_give_up = {}};
  Status refused;
  Result<RepairReport> done = Status::Internal("not run");
  // More than one round is needed if the repair first finishes an interrupted rollback: only then the plan
  // for the rest is known.
  for (int round = 0; round < 3; ++round) {
    if (plan->needs_confirmation()) {
      refused = Confirm(call, PlanText(*plan), "The versions that are given up cannot be restored.");
      if (refused.ok()) repair.may_give_up = plan->gives_up;
    }
    done = RepairStore(dir, repair, OpenOptionsOf(call));
    call.progress.Wipe();
    if (!done.ok()) return TurnAbsentIntoRefused(done.status());
    std::move(done->repaired.begin(), done->repaired.end(), std::back_inserter(outcome.steps));
    plan = std::move(done->plan);
    if (done->agreed || !refused.ok()) break;
  }
  if (!refused.ok()) {
    note = "repairs that give up versions were skipped: " + refused.message() +
           "; `rawkv-ctl fsck --repair --dry_run` lists them";
  }
  outcome.report = std::move(done->left);
  outcome.plan = *std::move(plan);
  if (!note.empty()) outcome.report.notes.push_back(note);
  return PrintOutcome(call, outcome);
}

}  // namespace

Result<ExitStatus> RunFsck(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (call.flags.repair) return Repair(call, dir);
  if (call.flags.dry_run || call.flags.yes) {
    return Status::InvalidArgument(
        "--dry_run and --yes need --repair; without --repair fsck changes nothing");
  }
  const Result<CheckReport> report = CheckStore(dir, {.deep = call.flags.deep}, OpenOptionsOf(call));
  call.progress.Wipe();
  if (!report.ok()) return TurnAbsentIntoRefused(report.status());
  return PrintCheckReport(call, *report);
}

}  // namespace rawkv::ctl
