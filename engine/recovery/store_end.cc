#include "engine/recovery/store_end.h"

#include <algorithm>

#include "engine/api/version_range.h"
#include "engine/store/working_index.h"
#include "wal/log_salvage.h"

namespace rawkv {
namespace {

Status AcceptRecord(const LogRecord&) {
  return Status::Ok();
}

// The end of a damaged log: reads it from the newest snapshot on as far as possible, as an open does.
Result<FoundStoreEnd> FindEndPastDamage(StoreContext& c, Version proven, std::string damage) {
  FoundStoreEnd found{
      .end = {.newest = proven, .intact = proven}, .durable = proven, .damage = std::move(damage)};
  RAWKV_ASSIGN_OR_RETURN(const Version trace, FindNewestVersionInLog(c.log()));
  found.end.newest = std::max({proven, trace, c.closed_version()});
  if (trace <= proven) return found;
  const Status read = ReadLog(c.log(), Next(proven), trace, [&](const LogRecord& record) {
    found.end.intact = record.head.version;
    found.durable = std::max(found.durable, std::min(record.head.durable_through, record.head.version));
    return Status::Ok();
  });
  if (!read.ok() && read.code() != StatusCode::kCorruption) return read;
  return found;
}

// The versions that cannot be read any more once the log begins after `to`.
VersionRanges ComputeHistoryDropped(const StoreSurvey& survey, const RollbackPlan& plan) {
  StoreSurvey before = survey;
  std::erase_if(before.snapshots, [&](const auto& s) { return s.version > plan.to; });
  std::erase_if(before.pins, [&](const auto& pin) { return pin.second > plan.to; });
  if (!before.current || *before.current > plan.to) before.current = plan.base;
  StoreSurvey after = before;
  after.current = plan.base;
  after.log_first = Next(plan.to);
  return Without(Normalized(ToReachability(before, plan.to, {}).Ranges()),
                 Normalized(ToReachability(after, plan.to, {}).Ranges()));
}

}  // namespace

void FindStartOnDisk(StoreContext& c, RollbackPlan* plan) {
  if (!CheckWorkingComplete(c).ok()) return;
  const Result<std::unique_ptr<KeyIndex>> working = KeyIndex::Open({.dir = c.paths.working_index(),
                                                                    .read_only = true,
                                                                    .block_cache_bytes = 1 << 20,
                                                                    .fs = c.env.index_fs,
                                                                    .logger = c.env.logger});
  if (working.ok()) FindRollbackStart(c.chain(), **working, plan);
}

Result<FoundStoreEnd> FindStoreEnd(StoreContext& c, const StoreSurvey& survey) {
  Version proven = Previous(survey.log_first);
  for (const SnapshotInfo& s : survey.snapshots) proven = std::max(proven, s.version);
  const Result<LogScan> scan =
      ScanGrowingLog(c.log(), survey.log_first, std::max(proven, c.closed_version()));
  if (!scan.ok()) {
    if (scan.status().code() != StatusCode::kCorruption) return scan.status();
    return FindEndPastDamage(c, proven, scan.status().message());
  }
  if (scan->end == LogEnd::kCorrupt) {
    RAWKV_ASSIGN_OR_RETURN(FoundStoreEnd found, FindEndPastDamage(c, proven, scan->message));
    found.end.newest = std::max({found.end.newest, scan->damaged_to, Next(scan->last)});
    found.end.intact = std::max(found.end.intact, scan->last);
    found.durable = std::max(found.durable, scan->durable_through);
    return found;
  }
  const Version intact = std::max(scan->last, proven);
  return FoundStoreEnd{.end = {.newest = intact, .intact = intact},
                       .durable = std::max(scan->durable_through, proven),
                       .damage = {}};
}

Result<RollbackPlan> PlanClosedRollback(StoreContext& c, Version target, const RollbackOptions& rollback) {
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, Survey(c));
  RAWKV_ASSIGN_OR_RETURN(const FoundStoreEnd found, FindStoreEnd(c, survey));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<VersionHold> leases, ForeignHolds(c, {}));
  Result<RollbackPlan> plan = MakeRollbackPlan(survey, found.end, target, leases, rollback);
  if (plan.status().code() == StatusCode::kVersionUnreachable) RAWKV_RETURN_IF_ERROR(survey.unread);
  if (plan.ok()) FindStartOnDisk(c, &*plan);
  if (!plan.ok() || found.damage.empty()) return plan;
  if (plan->records != 0) {
    const Status led = ReadLog(c.log(), Next(plan->base), target, AcceptRecord);
    if (led.code() == StatusCode::kCorruption) {
      return Status::VersionUnreachable("version " + ToString(target) + " is lost to damage in the log (" +
                                        led.message() +
                                        "); `rawkv-ctl fsck --repair --dry_run` shows what can be kept");
    }
    RAWKV_RETURN_IF_ERROR(led);
    return plan;
  }
  // The rollback cuts the log after the target's own record, so that record must be readable.
  const Status kept = target < survey.log_first ? Status::Corruption("the log begins above it")
                                                : ReadLog(c.log(), target, target, AcceptRecord);
  if (!kept.ok() && kept.code() != StatusCode::kCorruption) return kept;
  plan->log_begins_anew = !kept.ok();
  if (plan->log_begins_anew) plan->history_dropped = ComputeHistoryDropped(survey, *plan);
  return plan;
}

}  // namespace rawkv
