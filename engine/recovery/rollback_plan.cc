#include "engine/recovery/rollback_plan.h"

#include <algorithm>

#include "engine/undo/undo_steps.h"

namespace rawkv {
namespace {

Status Unreachable(const StoreSurvey& survey, StoreEnd end, Version target) {
  if (survey.snapshots.empty()) {
    return Status::VersionUnreachable("version " + ToString(target) +
                                      ": no snapshot is left to start from; restore one from a backup, or "
                                      "import an export");
  }
  std::string reach;
  for (const auto& [a, b] : ToReachability(survey, end.intact, {}).Ranges()) {
    reach += (reach.empty() ? "" : ", ") + ToString(a) + (a == b ? std::string() : "…" + ToString(b));
  }
  return Status::VersionUnreachable("version " + ToString(target) +
                                    (target > end.newest   ? " was never made"
                                     : target > end.intact ? " is lost to damage in the log"
                                                           : " is no longer kept") +
                                    "; reachable: " + reach);
}

}  // namespace

Result<RollbackPlan> MakeRollbackPlan(const StoreSurvey& survey, StoreEnd end, Version target,
                                      const std::vector<VersionHold>& holds, const RollbackOptions& options) {
  RollbackPlan plan{.from = end.newest,
                    .to = target,
                    .base = target,
                    .records = 0,
                    .start = {},
                    .versions_dropped = {},
                    .snapshots_dropped = {},
                    .pins_dropped = {},
                    .blocked_by = {}};
  // The log may hold records between a pinned snapshot and the floor, whose slots may be reused already.
  if (!ToReachability(survey, end.intact, {}).IsReachable(target)) return Unreachable(survey, end, target);
  const SnapshotInfo* base = nullptr;
  for (const SnapshotInfo& s : survey.snapshots) {
    const bool leads_there = s.version == target || survey.Continued(s.version);
    if (s.version <= target && leads_there) base = &s;
  }
  if (base == nullptr) {
    if (survey.snapshots.empty()) return Unreachable(survey, end, target);
    // A pin holds the target, but the survey does not list its snapshot.
    return Status::Corruption(SnapshotStore::DirName(target) +
                              " in the store's directory is damaged, so version " + ToString(target) +
                              " cannot be read; see `rawkv-ctl fsck`");
  }
  plan.base = base->version;
  plan.records = target.value() - base->version.value();
  if (target == end.newest) return plan;

  plan.versions_dropped = {Next(target), end.newest};
  for (const SnapshotInfo& s : survey.snapshots) {
    if (s.version > target) plan.snapshots_dropped.push_back(s.version);
  }
  for (const auto& [name, version] : survey.pins) {
    if (version <= target) continue;
    plan.pins_dropped.emplace_back(name, version);
    if (!options.drop_pins && !IsTierPin(name))
      plan.blocked_by.push_back("pin " + name + " at version " + ToString(version));
  }
  for (const VersionHold& hold : holds) {
    if (hold.kind == kCheckpointHold || hold.kind == kSnapshotView ||
        (hold.version <= target && !hold.on_live_index))
      continue;
    plan.blocked_by.push_back(hold.kind + " " + hold.name + " at version " + ToString(hold.version));
  }
  return plan;
}

void FindRollbackStart(const LineageChain& chain, KeyIndex& working, RollbackPlan* plan) {
  if (plan->base == plan->to || plan->changes_nothing()) return;
  const Result<MetaRecord> meta = working.Meta();
  if (!meta.ok() || meta->applied < plan->base || !chain.Contains(meta->lineage, meta->applied)) return;
  const Result<bool> leads = UndoLeadsTo(working, plan->to);
  if (leads.ok() && *leads) plan->start = meta->applied;
}

Status CheckNotBlocked(const RollbackPlan& plan) {
  if (plan.blocked_by.empty()) return Status::Ok();
  std::string all;
  for (const std::string& b : plan.blocked_by) all += (all.empty() ? "" : ", ") + b;
  return Status::FailedPrecondition("rollback to version " + ToString(plan.to) + " is blocked by " + all +
                                    "; close views and exports, unpin or drop the pins");
}

}  // namespace rawkv
