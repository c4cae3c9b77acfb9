#include <algorithm>

#include "engine/maintenance/history_cost.h"
#include "engine/maintenance/maintenance.h"

// The part of Maintenance that holds single snapshots, and gives history up for space.
namespace rawkv {

Status Maintenance::SaveTierPins(const StoreSurvey& survey, const RetentionPlan& plan) {
  if (plan.hold.empty() && plan.release.empty()) return Status::Ok();
  PinTable pins = survey.pins;
  for (const Version v : plan.hold) pins.emplace(TierPinName(v), v);
  for (const Version v : plan.release) pins.erase(TierPinName(v));
  return WithReserve(context_, [&] { return SavePins(*context_.env.fs, context_.paths.dir, pins); });
}

Result<std::vector<Version>> Maintenance::FindOverBudget() {
  const uint64_t bytes_max = settings().history_bytes_max;
  if (bytes_max == 0) return std::vector<Version>();
  RAWKV_ASSIGN_OR_RETURN(const Retained retained, SurveyRetained());
  PinAccount slots(retained.reach);
  RAWKV_RETURN_IF_ERROR(
      core_.index->ForEachDeferred(retained.reach.tip, std::nullopt, [&](const DeferredFree& entry) {
        slots.Add(entry);
        return true;
      }));
  std::vector<PinnedBy> holders = MeasureHistoryFiles(context_, retained.survey);
  AddSlotHolders(slots.holders(), &holders);
  const StoreSurvey& survey = retained.survey;
  uint64_t bytes_now = slots.shared() * context_.layout().slot_bytes;
  std::vector<HistoryCost> costs;
  for (const SnapshotInfo& s : survey.snapshots) {
    const bool removable = survey.current && s.version < *survey.current && !survey.NamedPinned(s.version);
    costs.push_back({.version = s.version, .bytes = 0, .removable = removable});
  }
  for (const PinnedBy& holder : holders) {
    const uint64_t bytes =
        holder.slots * context_.layout().slot_bytes + holder.log_bytes + holder.table_bytes;
    bytes_now += bytes;
    const bool of_snapshot = holder.kind == "snapshot" || holder.kind == "tier";
    for (HistoryCost& cost : costs) {
      if (of_snapshot && cost.version == holder.version) cost.bytes += bytes;
    }
  }
  return PlanBudget(costs, bytes_now, bytes_max);
}

void Maintenance::ReportGivenUp(const StoreSurvey& survey, const RetentionPlan& plan, GivenUpCause cause) {
  const RetentionPlan wanted = PlanRetention(RetentionInputOf(survey, std::nullopt));
  GivenUp lost;
  lost.versions = plan.floor > wanted.floor ? plan.floor.value() - wanted.floor.value() : 0;
  std::string which;
  if (lost.versions != 0) {
    lost.first = wanted.floor;
    lost.last = Previous(plan.floor);
    which = "the history of versions " + ToString(lost.first) + " to " + ToString(lost.last);
  }
  // Single snapshots of the tiers, below the floor that is wanted.
  for (const Version v : plan.remove) {
    const bool held =
        v < wanted.floor && std::find(wanted.remove.begin(), wanted.remove.end(), v) == wanted.remove.end();
    if (!held) continue;
    which += (which.empty() ? "version " : ", version ") + ToString(v);
    lost.first = lost.versions == 0 ? v : std::min(lost.first, v);
    lost.last = std::max(lost.last, v);
    ++lost.versions;
  }
  if (lost.versions == 0) return;
  lost.unix_ms = context_.env.clock->NowUnixMs();
  lost.cause = cause;
  counters_.versions_given_up.fetch_add(lost.versions);
  context_.env.logger->Log(
      LogLevel::kWarning, context_.paths.dir + ": gave up " + which + ", which the settings would keep: " +
                              (cause == GivenUpCause::kNoSlots ? "a commit found no free slot on the device"
                                                               : "history took more than history_bytes_max") +
                              ". Pinned versions stay");
  StoreRecord next = context_.record();
  if (next.given_up) {
    lost.first = std::min(lost.first, next.given_up->first);
    lost.last = std::max(lost.last, next.given_up->last);
    lost.versions += next.given_up->versions;
  }
  next.given_up = lost;
  const Status saved = WithReserve(context_, [&] { return context_.SaveRecord(next); });
  if (saved.ok()) return;
  // The space is needed all the same, and the warning is in the log.
  context_.env.logger->Log(
      LogLevel::kWarning,
      context_.paths.dir + ": STORE cannot note the history that was given up: " + saved.ToString());
}

Status Maintenance::AcknowledgeGivenUp() {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  StoreRecord next = context_.record();
  if (!next.given_up) return Status::Ok();
  next.given_up.reset();
  return WithReserve(context_, [&] { return context_.SaveRecord(next); });
}

}  // namespace rawkv
