#include "engine/maintenance/maintenance.h"

#include "engine/format/format_store.h"
#include "engine/recovery/rollback_plan.h"
#include "snapshot/pins.h"

// The part of Maintenance that makes snapshots and pins.
namespace rawkv {
namespace {

// A snapshot begins a new segment if the present one holds at least this much. An open reads from the
// beginning of the segment that holds the snapshot's successor, so without this it would read the records
// before the snapshot, too.
constexpr uint64_t kLogBytesBeforeSnapshot = 1ull << 20;

// Sets a flag of STATUS for as long as it exists.
class UnderWay {
 public:
  explicit UnderWay(std::atomic<bool>& flag) : flag_(flag) { flag_ = true; }
  ~UnderWay() { flag_ = false; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  std::atomic<bool>& flag_;
};

// kFailedPrecondition if the name holds another version.
Status CheckPinNameFree(const PinTable& pins, const std::string& name, Version version) {
  const auto held = pins.find(name);
  if (held == pins.end() || held->second == version) return Status::Ok();
  return Status::FailedPrecondition("pin " + name + " is at version " + ToString(held->second) +
                                    " already; unpin it first");
}

}  // namespace

Status Maintenance::StartIndexFlush() {
  // The sync comes before the memtable is frozen, and nothing is applied in between (invariant 8).
  Status begun = SyncAll(context_, core_);
  if (begun.ok()) begun = rawkv::StartIndexFlush(core_);
  if (begun.ok()) core_.flush_begun = true;
  if (!begun.ok() && !begun.lacks_resource()) poison_.Set(begun);
  return begun;
}

Status Maintenance::FinishIndexFlush() {
  // Commits continue while RocksDB writes the memtable.
  const Status flushed = core_.index->WaitFlush();
  if (!flushed.ok()) {
    if (!flushed.lacks_resource()) poison_.Set(flushed);
    return flushed;
  }
  counters_.index_flushes.fetch_add(1);
  const WriteRight write(core_);
  core_.flush_begun = false;
  return Status::Ok();
}

Status Maintenance::FreezeForSnapshot() {
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  Status synced = SyncAll(context_, core_);
  if (synced.ok()) synced = StartSegmentIfRoom();
  if (!synced.ok()) {
    if (!synced.lacks_resource()) poison_.Set(synced);
    return synced;
  }
  RAWKV_RETURN_IF_ERROR(StartIndexFlush());
  log_bytes_at_snapshot_ = log_bytes_at_open_ + counters_.log_bytes_written;
  return Status::Ok();
}

Status Maintenance::FlushIndex() {
  {
    const WriteRight write(core_);
    RAWKV_RETURN_IF_ERROR(FreezeForSnapshot());
  }
  return FinishIndexFlush();
}

Result<Version> Maintenance::BuildAndPublish(const std::string* pin, SnapshotCause cause) {
  const Result<Version> current = context_.snapshots->Current();
  if (current.ok() && *current == core_.tip.Get()) {
    if (pin == nullptr) return *current;
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(AddPin(*pin, *current));
    return *current;
  }
  RAWKV_RETURN_IF_ERROR(FlushIndex());
  RAWKV_ASSIGN_OR_RETURN(Manifest staged,
                         context_.snapshots->Stage(IndexCallbacks(context_.env, *core_.index)));
  // The tip may have reached a height meanwhile: its snapshot counts.
  const uint64_t interval = settings().snapshot_interval;
  const bool height = interval != 0 && staged.version.value() % interval == 0;
  staged.by_log_bytes = cause == SnapshotCause::kLogBytes && !height;
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(PublishStaged(staged));
  if (pin != nullptr) RAWKV_RETURN_IF_ERROR(AddPin(*pin, staged.version));
  return staged.version;
}

Status Maintenance::PublishStaged(const Manifest& staged) {
  RAWKV_RETURN_IF_ERROR(context_.snapshots->PublishStaged(staged));
  if (staged.version.value() > core_.durable.load()) {
    return Status::Internal("snapshot " + ToString(staged.version) + " is ahead of the durable log");
  }
  const Result<Version> current = context_.snapshots->Current();
  if (!current.ok() || *current <= staged.version) {
    RAWKV_RETURN_IF_ERROR(context_.snapshots->SetCurrent(staged.version));
  }
  counters_.snapshots_made.fetch_add(1);
  return Status::Ok();
}

Result<bool> Maintenance::PublishFlushed(Version version) {
  RAWKV_RETURN_IF_ERROR(FinishIndexFlush());
  {
    const WriteRight write(core_);
    if (core_.flushed != version) return false;  // another flush has begun since
  }
  RAWKV_ASSIGN_OR_RETURN(const Manifest staged,
                         context_.snapshots->Stage(IndexCallbacks(context_.env, *core_.index)));
  if (staged.version != version) return false;  // the next Stage deletes what this one has built
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(PublishStaged(staged));
  return true;
}

Status Maintenance::CreateSnapshotOf(Version version, IndexFlush flush) {
  RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(context_));
  MutexLock one_at_a_time(publish_mu_);
  const UnderWay shown(counters_.snapshot_under_way);
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, SurveyNow());
  bool published = survey.Find(version) != nullptr;
  if (!published && flush == IndexFlush::kBegun) {
    RAWKV_RETURN_IF_ERROR(WithReserve(context_, [&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
      RAWKV_ASSIGN_OR_RETURN(published, PublishFlushed(version));
      return Status::Ok();
    }));
  }
  if (!published) RAWKV_RETURN_IF_ERROR(PublishClone(nullptr, version));
  MutexLock lock(mu_);
  return ApplyRetention().status();
}

// Without a new segment, for lack of room or descriptors, the next open reads more. The snapshot is made all
// the same.
Status Maintenance::StartSegmentIfRoom() {
  const Status status = core_.wal->StartSegment(kLogBytesBeforeSnapshot);
  return status.lacks_resource() ? Status::Ok() : status;
}

Result<Version> Maintenance::CreateSnapshot(SnapshotCause cause) {
  RAWKV_ASSIGN_OR_RETURN(const Version version, Publish(nullptr, cause));
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(ApplyRetention().status());
  return version;
}

Result<Version> Maintenance::Publish(const std::string* pin, SnapshotCause cause) {
  RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(context_));
  MutexLock one_at_a_time(publish_mu_);
  const UnderWay shown(counters_.snapshot_under_way);
  Version version;
  RAWKV_RETURN_IF_ERROR(WithReserve(context_, [&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
    RAWKV_ASSIGN_OR_RETURN(version, BuildAndPublish(pin, cause));
    return Status::Ok();
  }));
  return version;
}

Status Maintenance::AddPin(const std::string& name, Version version) {
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*context_.env.fs, context_.paths.dir));
  RAWKV_RETURN_IF_ERROR(CheckPinNameFree(pins, name, version));
  RAWKV_ASSIGN_OR_RETURN(const Retained retained, SurveyRetained());
  if (retained.survey.Find(version) == nullptr) {
    return Status::NotFound("there is no snapshot at version " + ToString(version));
  }
  // Such a snapshot was pinned below the floor, and could not be removed when its last pin went.
  if (version < retained.survey.reuse_floor && !retained.reach.IsReachable(version)) {
    return Status::VersionUnreachable("the snapshot at version " + ToString(version) +
                                      " waits to be removed, and its values may be overwritten already; "
                                      "choose another version (`rawkv-ctl info` shows them)");
  }
  if (!pins.emplace(name, version).second) return SyncStoreDir();  // the pin exists already
  return WithReserve(context_, [&] { return SavePins(*context_.env.fs, context_.paths.dir, pins); });
}

Result<Version> Maintenance::Pin(const std::string& name, std::optional<Version> version) {
  RAWKV_RETURN_IF_ERROR(ValidatePinName(name));
  if (IsTierPin(name)) {
    return Status::InvalidArgument("a pin's name must not begin with " + std::string(kTierPinPrefix) +
                                   ", as those of the setting keep_tiers do");
  }
  if (version) {
    Status pinned;
    {
      MutexLock lock(mu_);
      pinned = AddPin(name, *version);
    }
    if (pinned.code() == StatusCode::kNotFound) {
      RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(context_));
      MutexLock one_at_a_time(publish_mu_);
      const UnderWay shown(counters_.snapshot_under_way);
      pinned = PublishClone(&name, *version);
    }
    if (!pinned.ok()) return pinned;
    return *version;
  }
  RAWKV_ASSIGN_OR_RETURN(const PinTable pins, LoadPins(*context_.env.fs, context_.paths.dir));
  RAWKV_RETURN_IF_ERROR(CheckPinNameFree(pins, name, core_.tip.Get()));  // before the work of a snapshot
  return Publish(&name, SnapshotCause::kOther);
}

Status Maintenance::SyncThrough(Version version) {
  const WriteRight write(core_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  if (version.value() <= core_.durable.load()) return Status::Ok();
  Status synced = SyncAll(context_, core_);
  if (!synced.ok() && !synced.lacks_resource()) poison_.Set(synced);
  return synced;
}

Status Maintenance::PublishClone(const std::string* pin, Version version) {
  // The view keeps the slots of this version until the snapshot is published and keeps them itself.
  RAWKV_ASSIGN_OR_RETURN(const std::shared_ptr<const EngineView> view, OpenClone(version, kSnapshotView));
  RAWKV_RETURN_IF_ERROR(SyncThrough(version));  // before the flush (invariant 8)
  RAWKV_RETURN_IF_ERROR(view->index().StartFlush());
  RAWKV_RETURN_IF_ERROR(view->index().WaitFlush());
  RAWKV_ASSIGN_OR_RETURN(const Manifest staged,
                         context_.snapshots->Stage(IndexCallbacks(context_.env, view->index())));
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(PublishStaged(staged));
  return pin == nullptr ? Status::Ok() : AddPin(*pin, version);
}

Status Maintenance::Unpin(const std::string& name) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*context_.env.fs, context_.paths.dir));
  if (pins.erase(name) == 0)
    return Status::FailedPrecondition("there is no pin named " + name +
                                      "; `rawkv-ctl snapshot list` shows them");
  RAWKV_RETURN_IF_ERROR(
      WithReserve(context_, [&] { return SavePins(*context_.env.fs, context_.paths.dir, pins); }));
  // Removes a snapshot that only the pin kept, as no log leads from it to the tip, and others by the setting.
  return ApplyRetention().status();
}

}  // namespace rawkv
