#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "report/check_json.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/confirm.h"
#include "tools/ctl/damaged_keys.h"
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
  std::vector<DamagedKey> damaged_keys;  // with --drop_damaged
  std::optional<Version> dropped_at;     // absent: the keys are still there
  bool dry_run = false;
};

// With --drop_damaged the document has two more fields.
void AddDroppedKeys(const Outcome& outcome, OrderedJson& out) {
  OrderedJson& keys = out["damaged_keys"] = OrderedJson::array();
  for (const DamagedKey& damaged : outcome.damaged_keys) {
    OrderedJson& row = keys.emplace_back();
    SetKey(row, "key", damaged.key);
    row["version"] = damaged.written_by.value();
    row["message"] = damaged.message;
  }
  out["dropped_at"] = VersionJson(outcome.dropped_at);
}

std::string DamagedKeysText(const std::vector<DamagedKey>& keys, std::string_view verb) {
  std::string text;
  for (const DamagedKey& damaged : keys) {
    text += fmt::format("{}: {} (version {}): {}\n", verb, EscapeKey(damaged.key), damaged.written_by.value(),
                        OneLine(damaged.message));
  }
  return text;
}

std::string CostText(const RepairPlan& plan) {
  std::string text;
  for (const auto& [first, last] : plan.gives_up) {
    text += first == last ? fmt::format("gives up: version {}\n", first.value())
                          : fmt::format("gives up: versions {} to {}\n", first.value(), last.value());
  }
  for (const auto& [name, version] : plan.pins_dropped) {
    text += fmt::format("gives up: pin {} (version {})\n", OneLine(name), version.value());
  }
  for (const std::string& source : plan.trusted) text += fmt::format("trusts: {}\n", OneLine(source));
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
  return StepsText(plan.steps, "would repair") + CostText(plan);
}

Result<ExitStatus> PrintOutcome(Invocation& call, const Outcome& outcome) {
  const bool keys_left = !outcome.damaged_keys.empty() && !outcome.dropped_at.has_value();
  const std::string left = keys_left ? Counted(outcome.damaged_keys.size(), "damaged key") : "";
  const std::string found = CompleteHints(CheckReportText(outcome.report, left), call.flags);
  std::string text;
  if (call.flags.json) {
    OrderedJson json = RepairJson(outcome.report, outcome.steps, outcome.plan);
    json["dry_run"] = outcome.dry_run;
    json["trusted"] = outcome.plan.trusted;
    if (call.flags.drop_damaged) AddDroppedKeys(outcome, json);
    text = JsonText(json) + '\n';
  } else if (outcome.dry_run) {
    text = PlanText(outcome.plan) + DamagedKeysText(outcome.damaged_keys, "would drop") + found;
  } else {
    text = StepsText(outcome.steps, "repaired");
    for (const std::string& source : outcome.plan.trusted)
      text += fmt::format("trusted: {}\n", OneLine(source));
    text += DamagedKeysText(outcome.damaged_keys, keys_left ? "not dropped" : "dropped") + found;
  }
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return outcome.report.ok() && !keys_left ? ExitStatus::kDone : ExitStatus::kNo;
}

// A store that cannot be opened is no error here: the report of the other repairs is still wanted.
void NoteKeysNotRead(const Status& opened, Outcome* outcome) {
  outcome->report.notes.push_back("the keys were not read, because the store cannot be opened as it is: " +
                                  opened.message());
}

// Lists the keys of the tip whose payload is gone, and changes nothing.
Status ListDamagedKeys(Invocation& call, Outcome* outcome) {
  call.flags.read_only = true;  // otherwise the open would finish an interrupted rollback
  const Result<OpenedStore> engine = OpenStoreToRead(call);
  if (!engine.ok()) {
    NoteKeysNotRead(engine.status(), outcome);
    return Status::Ok();
  }
  RAWKV_ASSIGN_OR_RETURN(outcome->damaged_keys, FindDamagedKeys(call, **engine));
  return engine->Close();
}

// Deletes the keys of the tip whose payload is gone, after a confirmation. A refusal is a note. The store
// stays open from the search to the commit, so that exactly the listed keys are deleted.
Status DropDamagedKeys(Invocation& call, const std::string& dir, Outcome* outcome) {
  Result<OpenedStore> opened = OpenStore(call);
  if (!opened.ok()) {
    NoteKeysNotRead(opened.status(), outcome);
    return Status::Ok();
  }
  const OpenedStore engine = std::move(opened).value();
  RAWKV_ASSIGN_OR_RETURN(outcome->damaged_keys, FindDamagedKeys(call, *engine));
  if (outcome->damaged_keys.empty()) return engine.Close();
  const std::string count = Counted(outcome->damaged_keys.size(), "damaged key");
  const Status agreed = Confirm(call, DamagedKeysText(outcome->damaged_keys, "would drop"),
                                "The keys are deleted in a new version; older versions stay as they are.");
  if (!agreed.ok()) {
    RAWKV_RETURN_IF_ERROR(engine.Close());
    outcome->report.notes.push_back(fmt::format("{} kept: {}", count, agreed.message()));
    return Status::Ok();
  }
  RAWKV_ASSIGN_OR_RETURN(outcome->dropped_at, DropKeys(*engine, outcome->damaged_keys));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  RAWKV_ASSIGN_OR_RETURN(outcome->report, CheckStore(dir, {.deep = call.flags.deep}, OpenOptionsOf(call)));
  call.progress.Wipe();
  outcome->report.notes.push_back(
      fmt::format("{} dropped at version {}; older versions are untouched, and a deep check reports their "
                  "damaged payloads until these versions are no longer kept",
                  count, outcome->dropped_at->value()));
  return Status::Ok();
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
    if (call.flags.drop_damaged) RAWKV_RETURN_IF_ERROR(ListDamagedKeys(call, &outcome));
    return PrintOutcome(call, outcome);
  }
  RepairOptions repair{.deep = call.flags.deep, .may_give_up = {}};
  Status refused;
  Result<RepairReport> done = Status::Internal("not run");
  // More than one round is needed if the repair first finishes an interrupted rollback: only then the plan
  // for the rest is known.
  for (int round = 0; round < 3; ++round) {
    if (plan->needs_confirmation()) {
      refused = Confirm(call, PlanText(*plan),
                        plan->trusted.empty() ? "The versions that are given up cannot be restored."
                                              : "The repair relies on what it trusts.");
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
    note = "repairs that need an agreement were skipped: " + refused.message() +
           "; `rawkv-ctl fsck --repair --dry_run` lists them";
  }
  outcome.report = std::move(done->left);
  outcome.plan = *std::move(plan);
  if (call.flags.drop_damaged) RAWKV_RETURN_IF_ERROR(DropDamagedKeys(call, dir, &outcome));
  if (!note.empty()) outcome.report.notes.push_back(note);
  return PrintOutcome(call, outcome);
}

}  // namespace

Result<ExitStatus> RunFsck(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (call.flags.repair) return Repair(call, dir);
  if (call.flags.dry_run || call.flags.yes || call.flags.drop_damaged) {
    return Status::InvalidArgument(
        "--dry_run, --yes and --drop_damaged need --repair; without --repair fsck changes nothing");
  }
  const Result<CheckReport> report = CheckStore(dir, {.deep = call.flags.deep}, OpenOptionsOf(call));
  call.progress.Wipe();
  if (!report.ok()) return TurnAbsentIntoRefused(report.status());
  return PrintCheckReport(call, *report);
}

}  // namespace rawkv::ctl
