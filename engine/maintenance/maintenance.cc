#include "engine/maintenance/maintenance.h"

#include <algorithm>

#include "base/exception_status.h"
#include "engine/recovery/leased_view.h"
#include "engine/recovery/replay_estimate.h"
#include "engine/recovery/rollback_plan.h"
#include "engine/recovery/snapshot_removal.h"
#include "engine/recovery/store_end.h"
#include "snapshot/pins.h"
#include "snapshot/retention.h"

namespace rawkv {

bool Retained::IsUnchanged(const Retained& after) const {
  const auto same_snapshot = [](const SnapshotInfo& a, const SnapshotInfo& b) {
    return a.version == b.version && a.created_unix_ms == b.created_unix_ms;
  };
  return std::equal(survey.snapshots.begin(), survey.snapshots.end(), after.survey.snapshots.begin(),
                    after.survey.snapshots.end(), same_snapshot) &&
         (survey.snapshots.empty() || survey.current == survey.snapshots.back().version) &&
         survey.current == after.survey.current && survey.pins == after.survey.pins &&
         reach.floor == after.reach.floor;
}

// After a failed sync of the directory, everyone sees new names that may not be durable. Whatever removes or
// acknowledges something because of these names syncs them first.
Status Maintenance::SyncStoreDir() {
  return context_.env.fs->SyncDir(context_.paths.dir);
}

Result<StoreSurvey> Maintenance::SurveyNow() {
  Result<StoreSurvey> survey = Survey(context_);
  if (survey.ok() && !survey->unread.ok()) return survey->unread;
  return survey;
}

Result<std::vector<Version>> Maintenance::Prune(std::optional<uint64_t> keep) {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  return ApplyRetention(keep);
}

RetentionInput Maintenance::RetentionInputOf(const StoreSurvey& survey, std::optional<uint64_t> keep) const {
  const RuntimeSettings now_set = settings();
  RetentionInput input = ToRetentionInput(survey, core_.tip.Get(), keep.value_or(now_set.keep_recent));
  input.now_unix_ms = context_.env.clock->NowUnixMs();
  if (keep) {
    // A number that a call names is of all snapshots. So a prune down to the current one frees what it can.
    for (RetentionInput::Item& item : input.snapshots) item.uncounted = false;
    return input;
  }
  input.tiers = now_set.keep_tiers;
  if (const uint64_t keep_for_ms = now_set.keep_for_seconds * 1000; keep_for_ms != 0) {
    input.keep_since_unix_ms = input.now_unix_ms - std::min(input.now_unix_ms, keep_for_ms);
  }
  return input;
}

Result<bool> Maintenance::AddLeases(Openers openers, RetentionInput* input) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<LeaseInfo> leases,
                         ListHeldLeases(*context_.env.fs, context_.paths.dir));
  const std::vector<std::string> own = views_.LeaseDirs();
  for (const LeaseInfo& lease : leases) {
    // A clone of another process may still need the log. ReplayBases has those of this process.
    if (std::find(own.begin(), own.end(), lease.dir) != own.end()) continue;
    if (lease.opening()) {
      if (openers == Openers::kSpare) return false;
      continue;
    }
    input->oldest_lease = std::min(input->oldest_lease.value_or(lease.base), lease.base);
  }
  for (const Version base : views_.ReplayBases()) {
    input->oldest_lease = std::min(input->oldest_lease.value_or(base), base);
  }
  return true;
}

Result<std::vector<Version>> Maintenance::ApplyRetention(std::optional<uint64_t> keep) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<Version> removed,
                         PruneOnce({.keep = keep, .give_up = {}, .cause = {}, .openers = Openers::kSpare}));
  while (!keep) {
    RAWKV_ASSIGN_OR_RETURN(std::vector<Version> give_up, FindOverBudget());
    if (give_up.empty()) break;
    RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> more, PruneOnce({.keep = {},
                                                                       .give_up = std::move(give_up),
                                                                       .cause = GivenUpCause::kBudget,
                                                                       .openers = Openers::kSpare}));
    if (more.empty()) break;  // they cannot be removed now
    removed.insert(removed.end(), more.begin(), more.end());
  }
  return removed;
}

Result<std::vector<Version>> Maintenance::PruneOnce(const PruneOrder& order) {
  views_.DropKept();  // they have links to the tables of snapshots that go
  RAWKV_RETURN_IF_ERROR(SyncStoreDir());
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, SurveyNow());
  RetentionInput input = RetentionInputOf(survey, order.keep);
  input.give_up = order.give_up;
  RAWKV_ASSIGN_OR_RETURN(const bool may_prune, AddLeases(order.openers, &input));
  if (!may_prune) return std::vector<Version>();
  RetentionPlan plan = PlanRetention(input);
  if (order.cause) ReportGivenUp(survey, plan, *order.cause);
  RAWKV_RETURN_IF_ERROR(SaveTierPins(survey, plan));
  std::vector<Version> removed;
  for (const Version v : plan.remove) {
    RAWKV_ASSIGN_OR_RETURN(const bool gone, RemoveSnapshot(context_, v));
    // A snapshot that cannot be removed stays reachable (invariant 2).
    if (!gone) plan.keep_log_from = std::min(plan.keep_log_from, Next(v));
    if (gone) removed.push_back(v);
  }
  RAWKV_RETURN_IF_ERROR(DropLogBefore(plan.keep_log_from));
  RAWKV_RETURN_IF_ERROR(Reclaim());
  // A reader in another process that was killed has left its clone. The prune is done all the same.
  const Status swept = SweepViews(*context_.env.fs, context_.paths.dir, *context_.env.logger);
  if (!swept.ok()) {
    context_.env.logger->Log(LogLevel::kWarning, context_.paths.dir +
                                                     ": the views of readers that have ended cannot "
                                                     "be removed now: " +
                                                     swept.ToString());
  }
  RefillReserve(context_);  // a full filesystem may have spent it
  return removed;
}

Status Maintenance::DropLogBefore(Version version) {
  const WriteRight write(core_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  return core_.wal->DropBefore(version);
}

Status Maintenance::DeleteSnapshot(Version version) {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  RAWKV_RETURN_IF_ERROR(SyncStoreDir());
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, SurveyNow());
  if (survey.Find(version) == nullptr) {
    return Status::FailedPrecondition("there is no snapshot at version " + ToString(version) +
                                      "; `rawkv-ctl snapshot list` shows them");
  }
  if (survey.Pinned(version)) {
    return Status::FailedPrecondition("snapshot " + ToString(version) + " is pinned; unpin it first");
  }
  if (survey.current == version) {
    const SnapshotInfo* next = nullptr;
    for (const SnapshotInfo& s : survey.snapshots) {
      if (s.version != version && survey.Continued(s.version)) next = &s;
    }
    if (next == nullptr) {
      return Status::FailedPrecondition("snapshot " + ToString(version) +
                                        " is the only one that the log continues; make another first");
    }
    RAWKV_RETURN_IF_ERROR(context_.snapshots->SetCurrent(next->version));
  }
  views_.DropKept();
  RAWKV_RETURN_IF_ERROR(context_.snapshots->Remove(version));
  return Reclaim();
}

Result<RuntimeSettings> Maintenance::KeepSettings(const SettingsChange& change) {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  StoreRecord next = context_.record();
  next.runtime = Changed(next.runtime, change);
  RAWKV_RETURN_IF_ERROR(ValidateSettings(next.runtime));
  RAWKV_RETURN_IF_ERROR(WithReserve(context_, [&] { return context_.SaveRecord(next); }));
  MutexLock guard(settings_mu_);
  settings_ = Changed(settings_, AtOnce(change));
  return next.runtime;
}

RuntimeSettings Maintenance::settings() const {
  MutexLock guard(settings_mu_);
  return settings_;
}

Status Maintenance::ReclaimSpace() {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(SyncStoreDir());
  return Reclaim();
}

Status Maintenance::MakeSpace() {
  {
    MutexLock one_at_a_time(publish_mu_);
    RAWKV_RETURN_IF_ERROR(BuildAndPublish(nullptr, SnapshotCause::kOther).status());
  }
  MutexLock lock(mu_);
  return PruneOnce({.keep = 0, .give_up = {}, .cause = GivenUpCause::kNoSlots, .openers = Openers::kIgnore})
      .status();
}

std::vector<VersionHold> Maintenance::Holds() {
  std::vector<VersionHold> holds = views_.Holds();
  // Leases that cannot be listed are left out here: Reclaim lists them again and fails without them.
  Result<std::vector<VersionHold>> foreign = ForeignHolds(context_, views_.LeaseDirs());
  if (foreign.ok()) holds.insert(holds.end(), foreign->begin(), foreign->end());
  return holds;
}

// Views first: each clone view of this process has a lease, by which ForeignHolds leaves it out; and the view
// from which a checkpoint is written is closed only once the checkpoint is a hold itself.
Result<std::vector<VersionHold>> Maintenance::SurveyReaders() {
  std::vector<VersionHold> holds = views_.Holds();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<VersionHold> foreign, ForeignHolds(context_, views_.LeaseDirs()));
  holds.insert(holds.end(), foreign.begin(), foreign.end());
  return holds;
}

Result<std::vector<VersionHold>> Maintenance::SurveyHolds() {
  RAWKV_ASSIGN_OR_RETURN(std::vector<VersionHold> holds, SurveyReaders());
  RAWKV_ASSIGN_OR_RETURN(const PinTable pins, LoadPins(*context_.env.fs, context_.paths.dir));
  for (const auto& [name, version] : pins) holds.push_back({"pin", name, version});
  return holds;
}

Result<Retained> Maintenance::SurveyRetained() {
  RAWKV_ASSIGN_OR_RETURN(StoreSurvey survey, SurveyNow());
  RAWKV_ASSIGN_OR_RETURN(std::vector<VersionHold> holds, SurveyReaders());
  Reachability reach = ToReachability(survey, core_.tip.Get(), std::move(holds));
  return Retained{std::move(survey), std::move(reach)};
}

Result<RollbackPlan> Maintenance::PlanRollback(Version target, const RollbackOptions& options) {
  return RunAlongside([&](Sight) -> Result<RollbackPlan> {
    RAWKV_RETURN_IF_ERROR(poison_.Check());
    return PlanWay(target, Holds(), options);
  });
}

Result<RollbackPlan> Maintenance::PlanWay(Version target, const std::vector<VersionHold>& holds,
                                          const RollbackOptions& options) {
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, SurveyNow());
  const Version tip = core_.tip.Get();
  Result<RollbackPlan> plan = MakeRollbackPlan(survey, {tip, tip}, target, holds, options);
  if (!plan.ok() || plan->changes_nothing()) return plan;
  if (context_.options.read_only) {
    FindStartOnDisk(context_, &*plan);
    return plan;
  }
  {
    const WriteRight write(core_);
    (void)WriteUndoAbove(core_, target);  // without it, the plan names the longer way
  }
  FindRollbackStart(context_.chain(), *core_.index, &*plan);
  return plan;
}

Result<ReplayEstimate> Maintenance::EstimateView(Version version) {
  return RunAlongside([&](Sight) -> Result<ReplayEstimate> {
    RAWKV_ASSIGN_OR_RETURN(RollbackPlan way, PlanWay(version, {}, {.drop_pins = true}));
    if (!InUndoWindow(version)) way.start.reset();
    if (views_.HasCloneOf(version)) way.start = way.base = version;  // another view has made it
    return EstimateReplay(context_, way);
  });
}

Status Maintenance::Reclaim() {
  RAWKV_ASSIGN_OR_RETURN(const Retained retained, SurveyRetained());
  bool done = false;
  std::optional<DeferredFree> position;
  while (!done) RAWKV_RETURN_IF_ERROR(ReclaimSome(retained.reach, &position, &done));
  return Status::Ok();
}

Status Maintenance::ReclaimSome(const Reachability& reach, std::optional<DeferredFree>* position,
                                bool* done) {
  // Bounds how long commits wait for the write right.
  constexpr size_t kEntriesAtATime = 2000;
  std::vector<DeferredFree> reusable;
  size_t walked = 0;
  *done = true;
  RAWKV_RETURN_IF_ERROR(core_.index->ForEachDeferred(reach.floor, *position, [&](const DeferredFree& entry) {
    if (walked++ == kEntriesAtATime) {
      *done = false;
      return false;
    }
    *position = entry;
    if (reach.MayReuse(entry.born, entry.freed)) reusable.push_back(entry);
    return true;
  }));
  if (reusable.empty()) return Status::Ok();
  if (reach.floor > context_.reuse_floor()) {
    RAWKV_RETURN_IF_ERROR(context_.UpdateSuperblock(reach.floor));
  }
  std::vector<Extent> freed;
  {
    const WriteRight write(core_);
    RAWKV_RETURN_IF_ERROR(poison_.Check());
    const std::unique_ptr<IndexBatch> batch = core_.index->NewBatch();
    AllocationTxn txn = core_.allocator->Begin();
    for (const DeferredFree& entry : reusable) {
      RAWKV_RETURN_IF_ERROR(txn.Reclaim(entry, *batch));
      freed.push_back(entry.extent);
    }
    txn.Finish(*batch);
    MetaRecord meta = core_.meta;
    meta.taken_slots = static_cast<uint64_t>(static_cast<int64_t>(meta.taken_slots) + txn.taken_delta());
    batch->PutMeta(meta);
    // After an exception in here, the index and the allocator may disagree, which poisons the engine.
    const Status applied = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
      RAWKV_RETURN_IF_ERROR(core_.index->Apply(*batch));
      core_.meta = std::move(meta);
      core_.allocator->Merge(txn, {}, freed);
      return Status::Ok();
    });
    if (!applied.ok()) {
      poison_.Set(applied);
      return applied;
    }
  }
  epochs_.WaitForReaders();
  if (context_.options.discard_freed) {
    for (const Extent& e : freed) {
      // Discard is a hint, so its error does not matter.
      (void)NoThrow([&] {
        return context_.device.device->Discard(context_.layout().OffsetOf(e.first),
                                               e.count.value() * context_.layout().slot_bytes);
      });
    }
  }
  core_.allocator->Release(freed);
  counters_.slots_reclaimed.fetch_add(TotalSlots(freed));
  return Status::Ok();
}

bool Maintenance::InUndoWindow(Version version) const {
  return version.value() + context_.runtime.undo_versions >= core_.tip.Get().value();
}

Result<std::shared_ptr<const EngineView>> Maintenance::OpenClone(Version version, const char* kind) {
  // In a read-only engine core_.index is a clone itself, so the working index is cloned from its files.
  const bool read_only = context_.options.read_only;
  const bool shared = kind != std::string_view(kSnapshotView);
  if (shared && views_.HasCloneOf(version)) return OpenCloneOf({}, version, kind);
  if (InUndoWindow(version) && (read_only || PrepareClone(version).ok())) {
    Result<std::shared_ptr<const EngineView>> near = OpenCloneOf(
        {.base = {}, .working = true, .live = read_only ? nullptr : core_.index.get(), .shared = shared},
        version, kind);
    if (near.ok()) return near;
  }
  return OpenCloneOf({.base = {}, .shared = shared}, version, kind);
}

Result<std::shared_ptr<const EngineView>> Maintenance::OpenCloneOf(CloneSource source, Version version,
                                                                   const char* kind) {
  std::shared_ptr<EngineView> view;
  {
    MutexLock lock(mu_);
    if (context_.lock == nullptr) RAWKV_RETURN_IF_ERROR(context_.Reload());
    RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, SurveyNow());
    // A view needs the same as a rollback: a snapshot at or below the version, and the log from there.
    const Version tip = core_.tip.Get();
    RAWKV_ASSIGN_OR_RETURN(const RollbackPlan way,
                           MakeRollbackPlan(survey, {tip, tip}, version, {}, {.drop_pins = true}));
    // The snapshot of the version itself needs no way back, and may lie below the floor.
    source.base = way.base;
    source.working = source.working && way.base != version;
    if (source.shared) {
      if (auto found = views_.Share(context_.chain(), version, kind); found != nullptr) {
        counters_.views_shared.fetch_add(1);
        return found;
      }
    }
    RAWKV_ASSIGN_OR_RETURN(view, BeginLeasedClone(context_, views_, source, version, kind));
  }
  Result<std::shared_ptr<const EngineView>> finished = views_.FinishClone(context_, std::move(view));
  if (finished.ok()) counters_.views_built.fetch_add(1);
  return finished;
}

Status Maintenance::FlushForClone() {
  {
    const WriteRight write(core_);
    RAWKV_RETURN_IF_ERROR(poison_.Check());
    RAWKV_RETURN_IF_ERROR(StartIndexFlush());
  }
  return FinishIndexFlush();
}

// A clone of the working index contains what is flushed. To replay the rest takes longer than to flush it,
// unless it is small.
Status Maintenance::PrepareClone(Version version) {
  const uint64_t replayed = std::min<uint64_t>(4ull << 20, context_.options.memtable_bytes / 16);
  {
    const WriteRight write(core_);
    RAWKV_RETURN_IF_ERROR(poison_.Check());
    RAWKV_ASSIGN_OR_RETURN(const bool must_flush, WriteUndoAbove(core_, version));
    if (!must_flush && core_.index->MemtableBytes() < replayed) return Status::Ok();
  }
  const Status flushed = FlushForClone();
  return flushed.lacks_resource() ? Status::Ok() : flushed;
}

}  // namespace rawkv
