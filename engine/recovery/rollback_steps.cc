#include "engine/recovery/rollback_steps.h"

#include <algorithm>
#include <array>

#include "base/fs_ops.h"
#include "engine/recovery/snapshot_removal.h"
#include "engine/store/working_index.h"
#include "snapshot/pins.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

Status WriteMarker(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  return SaveRollbackMarker(*c.env.fs, c.paths.rollback_marker(), m);
}

// Takes the index in working.new/ to the target, and flushes it: it must be durable before the log is cut.
Status MoveToTarget(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                         OpenIndexForWriting(c, c.paths.working_new_index()));
  RAWKV_RETURN_IF_ERROR(MoveIndexTo(c, *index, m.target, UndoRecords::kForWindow).status());
  RAWKV_RETURN_IF_ERROR(index->StartFlush());
  return index->WaitFlush();
}

// Reads no payload.
Status CheckWorkingNew(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(const SnapshotFacts facts, InspectIndex(c.env, c.paths.working_new_index()));
  if (facts.version == m.target && c.chain().Contains(facts.lineage, facts.version)) return Status::Ok();
  return Status::Corruption(c.paths.working_new() + " holds version " + ToString(facts.version) +
                            " instead of " + ToString(m.target));
}

Status BuildFromWorking(StoreContext& c, const RollbackMarker& m, const RollbackSource& source) {
  RAWKV_RETURN_IF_ERROR(CloneWorkingToNew(c, source.live));
  RAWKV_RETURN_IF_ERROR(MoveToTarget(c, m));
  return CheckWorkingNew(c, m);
}

// Builds working.new/ at the target and verifies that it opens at the right version and lineage. A base at
// the target needs no replay. It also may lie below the floor, and then undo records do not lead there: the
// slots of the versions in between may have been reused.
Status BuildWorkingNew(StoreContext& c, const RollbackMarker& m, const RollbackSource& source) {
  Status built = Status::FailedPrecondition("the target is a snapshot");
  if (source.working && m.base != m.target) {
    built = BuildFromWorking(c, m, source);
    if (built.lacks_resource()) return built;
    if (!built.ok()) {
      c.env.logger->Log(LogLevel::kInfo, c.paths.dir + ": the rollback starts from snapshot " +
                                             ToString(m.base) + ", as undo records do not lead to version " +
                                             ToString(m.target) + ": " + built.message());
    }
  }
  if (!built.ok()) {
    RAWKV_RETURN_IF_ERROR(CloneToWorkingNew(c, m.base));
    RAWKV_RETURN_IF_ERROR(MoveToTarget(c, m));
    RAWKV_RETURN_IF_ERROR(CheckWorkingNew(c, m));
  }
  return SealWorkingNew(c, m.base);
}

Status SaveForkedChain(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord next, MakeForkedRecord(c, m.new_lineage, m.target));
  return c.SaveRecord(next);
}

Status UpdateDevice(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  return c.UpdateSuperblock(std::min(c.reuse_floor(), m.target));
}

Status MoveCurrent(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  const Result<Version> current = c.snapshots->Current();
  // A base at the target itself is the newest snapshot. If the log starts from scratch after it, no other is
  // continued.
  const bool may_stay = m.base != m.target && current.ok() && *current <= m.target;
  if (may_stay && c.snapshots->CheckFiles(*current, c.chain()).ok()) {
    return Status::Ok();
  }
  return c.snapshots->SetCurrent(m.base);
}

Status SwapWorkingIn(StoreContext& c, const RollbackMarker&, const RollbackSource&) {
  return SwapWorking(c);
}

Status DropPins(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*c.env.fs, c.paths.dir));
  const size_t before = pins.size();
  std::erase_if(pins, [&](const auto& pin) { return pin.second > m.target; });
  return pins.size() == before ? Status::Ok() : SavePins(*c.env.fs, c.paths.dir, pins);
}

// Removes every snapshot above the target, whole or damaged: nothing of the abandoned branch may be used
// again. STORE's chain keeps a snapshot that cannot be removed now from being used, and the next open tries
// again.
Status DropSnapshots(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c.env.fs->List(c.paths.dir));
  for (const std::string& name : names) {
    const std::optional<Version> version = SnapshotStore::ParseDirName(name);
    if (version && *version > m.target) RAWKV_RETURN_IF_ERROR(RemoveSnapshot(c, *version).status());
  }
  return Status::Ok();
}

// Makes the log end at the target, whatever its state: it may be damaged above the target, or begin above it
// if the target is a pinned snapshot. The rollback cannot be undone any more, so this reads nothing above the
// target, and damage below it does not stop the cut.
Status CutLog(StoreContext& c, const RollbackMarker& m, const RollbackSource&) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*c.env.fs, c.paths.wal()));
  if (segments.empty()) return CreateLog(c.log(), c.wal_options(), Next(m.target));
  RAWKV_RETURN_IF_ERROR(RemoveSegmentsAbove(c.log(), m.target));
  const Result<LogScan> scan = ScanLog(c.log(), m.target, m.target);
  if (scan.status().code() == StatusCode::kCorruption) {
    return ReplaceLog(c.log(), c.wal_options(), Next(m.target));
  }
  if (!scan.ok()) return scan.status();
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Wal> wal,
                         Wal::Open(c.log(), c.wal_options(), *scan, m.target));
  return wal->Sync();
}

Status RemoveMarker(StoreContext& c, const RollbackMarker&, const RollbackSource&) {
  const Status removed = c.env.fs->RemoveFile(c.paths.rollback_marker());
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  return c.env.fs->SyncDir(c.paths.dir);
}

constexpr std::array<RollbackStep, 10> kSteps{{
    {"mark", RollbackPhase::kPrepare, WriteMarker},
    {"build", RollbackPhase::kPrepare, BuildWorkingNew},
    {"switch", RollbackPhase::kSwitch, SaveForkedChain},
    {"device", RollbackPhase::kFinish, UpdateDevice},
    {"current", RollbackPhase::kFinish, MoveCurrent},
    {"working", RollbackPhase::kFinish, SwapWorkingIn},
    {"pins", RollbackPhase::kFinish, DropPins},
    {"snapshots", RollbackPhase::kFinish, DropSnapshots},
    {"log", RollbackPhase::kFinish, CutLog},
    {"unmark", RollbackPhase::kFinish, RemoveMarker},
}};

// Runs the steps of one phase. On a full filesystem it spends the reserve and runs them again: each is
// idempotent.
Status RunPhase(StoreContext& c, const RollbackMarker& marker, RollbackPhase phase,
                const RollbackSource& source = {}) {
  return WithReserve(c, [&]() -> Status {
    for (const RollbackStep& step : kSteps) {
      if (step.phase != phase) continue;
      const Status status = step.run(c, marker, source);
      if (!status.ok()) return status.WithContext(std::string("rollback, step ") + step.name);
    }
    return Status::Ok();
  });
}

}  // namespace

std::span<const RollbackStep> RollbackSteps() {
  return kSteps;
}

Result<StoreRecord> MakeForkedRecord(StoreContext& c, Lineage id, Version fork) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c.env.fs->List(c.paths.dir));
  const Result<std::vector<SegmentFile>> segments = ListSegmentFiles(*c.env.fs, c.paths.wal());
  const bool no_log = segments.status().code() == StatusCode::kNotFound;  // a repair will make a log
  if (!segments.ok() && !no_log) return segments.status();
  Version oldest = fork;
  if (!no_log && !segments->empty()) oldest = std::min(oldest, Previous(segments->front().first));
  for (const std::string& name : names) {
    if (const std::optional<Version> v = SnapshotStore::ParseDirName(name)) oldest = std::min(oldest, *v);
  }
  // Keeps the present branch even if nothing belongs to it: the superblock names it until step "device".
  StoreRecord next = c.record();
  next.chain = c.chain().Trimmed(oldest).Forked(id, fork);
  if (next.closed_version) next.closed_version = std::min(*next.closed_version, fork);
  next.reuse_floor = std::min(c.reuse_floor(), fork);
  if (next.chain.links().size() <= kMaxLineageLinks) return next;
  return Status::FailedPrecondition(c.paths.dir + ": the kept versions belong to " +
                                    std::to_string(kMaxLineageLinks) +
                                    " branches, and STORE holds no more; prune snapshots, then try again");
}

RollbackMarker MakeRollbackMarker(const StoreContext& c, const RollbackPlan& plan) {
  RollbackMarker marker{plan.from, plan.to, plan.base, Lineage()};
  do {
    marker.new_lineage = Lineage(c.env.entropy->NextU64());
  } while (marker.new_lineage == Lineage() || c.chain().HasBranch(marker.new_lineage));
  return marker;
}

Status PrepareRollback(StoreContext& c, const RollbackMarker& marker, const RollbackSource& source) {
  return RunPhase(c, marker, RollbackPhase::kPrepare, source);
}

Status UndoRollback(StoreContext& c, const RollbackMarker& marker) {
  SweepTree(*c.env.fs, c.paths.working_new(), *c.env.logger);
  return RemoveMarker(c, marker, {});
}

SwitchOutcome SwitchRollback(StoreContext& c, const RollbackMarker& marker, Status* error) {
  *error = RunPhase(c, marker, RollbackPhase::kSwitch);
  if (error->ok()) return SwitchOutcome::kDone;
  // The rename of STORE may have happened without its sync, so only the file on disk shows the outcome.
  StoreFiles files;
  const Result<StoreRecord> on_disk = LoadStoreRecord(*c.env.fs, c.paths.dir, &files);
  if (!on_disk.ok()) return SwitchOutcome::kUnclear;
  c.AdoptRecord(*on_disk);
  const bool switched = on_disk->chain.HasBranch(marker.new_lineage);
  if (!switched && files.record[0]) return SwitchOutcome::kNotDone;
  if (!switched) {  // STORE cannot be read, and must not come back with the new lineage
    const Status replaced = c.SaveRecord(*on_disk);
    if (!replaced.ok()) *error = replaced;
    return replaced.ok() ? SwitchOutcome::kNotDone : SwitchOutcome::kUnclear;
  }
  *error = c.SaveRecord(*on_disk);
  return error->ok() ? SwitchOutcome::kDone : SwitchOutcome::kUnclear;
}

Status FinishRollback(StoreContext& c, const RollbackMarker& marker) {
  return RunPhase(c, marker, RollbackPhase::kFinish);
}

Status RunRollback(StoreContext& c, const RollbackPlan& plan, const RollbackSource& source) {
  const RollbackMarker marker = MakeRollbackMarker(c, plan);
  Status error = PrepareRollback(c, marker, source);
  const SwitchOutcome outcome = error.ok() ? SwitchRollback(c, marker, &error) : SwitchOutcome::kNotDone;
  if (outcome == SwitchOutcome::kDone) return FinishRollback(c, marker);
  if (outcome == SwitchOutcome::kUnclear) return error;
  const Status undone = UndoRollback(c, marker);
  return undone.ok()
             ? error
             : error.WithContext("and undoing it failed, reopen the store (" + undone.ToString() + ")");
}

Status FinishOrUndoRollback(StoreContext& c) {
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c.env.fs, c.paths.rollback_marker());
  if (marker.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!marker.ok()) return marker.status();
  // A sync of the directory may have failed before, so its names may not be durable. They must be, before the
  // device gets the new lineage or the marker is removed.
  RAWKV_RETURN_IF_ERROR(c.env.fs->SyncDir(c.paths.dir));
  StoreFiles files;
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord record, LoadStoreRecord(*c.env.fs, c.paths.dir, &files));
  if (files.status[0].code() == StatusCode::kIoError) {
    // STORE may be readable later, and shows whether the rollback took effect.
    return files.status[0].WithContext(
        c.paths.dir +
        ": a rollback was interrupted, and STORE shows whether it took effect; "
        "if it stays unreadable, move STORE away, which undoes the rollback");
  }
  c.AdoptRecord(record);
  c.AdoptFiles(files);
  // Both files must hold the chain by which this acts: a later fall-back to the other one must not reverse
  // it.
  RAWKV_RETURN_IF_ERROR(WithReserve(c, [&] { return c.MendStoreFiles(); }));
  const bool switched = c.chain().HasBranch(marker->new_lineage);
  c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": an interrupted rollback to version " +
                                            ToString(marker->target) +
                                            (switched ? " is finished" : " is undone"));
  return switched ? FinishRollback(c, *marker) : UndoRollback(c, *marker);
}

}  // namespace rawkv
