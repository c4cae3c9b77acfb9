#include "engine/recovery/leased_view.h"

#include <algorithm>

#include "engine/recovery/bring_up.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/rollback_plan.h"

namespace rawkv {
namespace {

// Ok if no rollback is under way or was interrupted.
Status CheckNoRollback(StoreContext& c) {
  RAWKV_ASSIGN_OR_RETURN(const bool marked, Exists(*c.env.fs, c.paths.rollback_marker()));
  if (!marked) return Status::Ok();
  if (c.lock == nullptr && IsOpenElsewhere(c)) {
    return Status::Busy(c.paths.dir + ": is being rolled back; try again");
  }
  return Status::FailedPrecondition(c.paths.dir +
                                    ": a rollback was interrupted; open it for writing once to finish it");
}

Status CheckStillKept(StoreContext& c, Version base, Version version) {
  const Lineage chosen_on = c.lineage();
  RAWKV_RETURN_IF_ERROR(CheckNoRollback(c));
  RAWKV_RETURN_IF_ERROR(c.Reload());
  if (c.lineage() != chosen_on) {
    return Status::Busy(c.paths.dir + ": was rolled back while a view of version " + ToString(version) +
                        " was opened; try again");
  }
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, Survey(c));
  const Version newest =
      survey.snapshots.empty() ? version : std::max(version, survey.snapshots.back().version);
  const Result<RollbackPlan> way =
      MakeRollbackPlan(survey, {newest, newest}, version, {}, {.drop_pins = true});
  if (way.ok() && survey.Find(base) != nullptr) return Status::Ok();
  return Status::Busy(c.paths.dir + ": snapshot " + ToString(base) + " was pruned while a view of version " +
                      ToString(version) + " was opened; try again");
}

// What nobody has shown to be durable may be in caches only, and a reader must not return what a power cut
// can take back. Returns the version through which the log is durable.
Result<Version> MakeDurable(StoreContext& c, const LogJudgement& log) {
  if (c.runtime.durability != Durability::kSynced) return std::min(log.durable, log.keep_through);
  // Who cannot write cannot sync, either.
  if (c.lock != nullptr && !c.lock->writable()) return std::min(log.durable, log.keep_through);
  if (log.durable < log.keep_through) {
    RAWKV_RETURN_IF_ERROR(c.device.device->Flush());
    RAWKV_RETURN_IF_ERROR(SyncLog(c.log(), Next(log.durable)));
  }
  return log.keep_through;
}

Result<std::shared_ptr<const EngineView>> OpenClone(StoreContext& c, ViewRegistry& views,
                                                    const CloneSource& source, Version version) {
  RAWKV_ASSIGN_OR_RETURN(std::shared_ptr<EngineView> view,
                         BeginLeasedClone(c, views, source, version, "view"));
  return views.FinishClone(c, std::move(view));
}

// Opens a view of the tip from an older snapshot, as `current` is damaged. Changes nothing.
Result<std::shared_ptr<const EngineView>> OpenViewFromOlderSnapshot(StoreContext& c, ViewRegistry& views,
                                                                    Version current, Version tip,
                                                                    const Status& cause) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> bases, ListContinuedSnapshots(c));
  for (const Version base : bases) {
    if (base >= current) continue;
    Result<std::shared_ptr<const EngineView>> view = OpenClone(c, views, {.base = base}, tip);
    if (view.status().code() == StatusCode::kCorruption) continue;
    if (view.ok()) {
      c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": `current` cannot be used (" + cause.ToString() +
                                                "); reading from snapshot " + ToString(base) +
                                                " and the log after it");
    }
    return view;
  }
  return cause;
}

}  // namespace

Result<std::shared_ptr<EngineView>> BeginLeasedClone(StoreContext& c, ViewRegistry& views,
                                                     const CloneSource& source, Version version,
                                                     const char* kind) {
  RAWKV_ASSIGN_OR_RETURN(std::shared_ptr<EngineView> view, views.BeginClone(c, source, version, kind));
  // Who holds the lock keeps every writer away.
  if (c.lock == nullptr) RAWKV_RETURN_IF_ERROR(CheckStillKept(c, source.base, version));
  return view;
}

std::unique_ptr<Lease> HoldBackPrunes(StoreContext& c) {
  Result<std::unique_ptr<Lease>> lease = Lease::Create(
      *c.env.fs, *c.env.clock, c.paths.dir, Uuid::Generate(*c.env.entropy), kOpeningVersion, Version());
  return lease.ok() ? *std::move(lease) : nullptr;
}

Result<NewestView> OpenNewestView(StoreContext& c, ViewRegistry& views) {
  RAWKV_RETURN_IF_ERROR(CheckNoRollback(c));
  RAWKV_RETURN_IF_ERROR(c.Reload());
  RAWKV_ASSIGN_OR_RETURN(const CurrentChoice current, ResolveCurrent(c));
  RAWKV_ASSIGN_OR_RETURN(const Version proven, FindProven(c));
  RAWKV_ASSIGN_OR_RETURN(LogScan scan, ScanGrowingLog(c.log(), Next(current.version), proven));
  // A record that names a new slot is written after STORE has the growth.
  RAWKV_RETURN_IF_ERROR(c.ReloadLayout());
  RAWKV_ASSIGN_OR_RETURN(const LogJudgement log, JudgeScan(c, std::move(scan), proven));
  RAWKV_ASSIGN_OR_RETURN(const Version durable, MakeDurable(c, log));
  // The working index is nearer to the end of the log than the snapshot.
  if (current.version != log.keep_through) {
    Result<std::shared_ptr<const EngineView>> near =
        OpenClone(c, views, {.base = current.version, .working = true}, log.keep_through);
    if (near.ok()) return NewestView{*std::move(near), durable};
    if (near.status().code() == StatusCode::kBusy) return near.status();  // the snapshot is gone as well
  }
  Result<std::shared_ptr<const EngineView>> view =
      OpenClone(c, views, {.base = current.version}, log.keep_through);
  if (view.status().code() == StatusCode::kCorruption) {
    view = OpenViewFromOlderSnapshot(c, views, current.version, log.keep_through, view.status());
  }
  if (!view.ok()) return view.status();
  return NewestView{*std::move(view), durable};
}

}  // namespace rawkv
