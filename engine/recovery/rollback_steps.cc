#include "engine/recovery/rollback_steps.h"

#include <algorithm>
#include <array>

#include "base/fs_ops.h"
#include "engine/store/replay.h"
#include "engine/store/snapshot_removal.h"
#include "engine/store/working_index.h"
#include "snapshot/pins.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

Status WriteMarker(StoreContext& c, const RollbackMarker& m) {
  return SaveRollbackMarker(*c.env.fs, c.paths.rollback_marker(), m);
}

// working.new/ at the target, flushed and verified: opens, applied version and lineage as they must
// be. No payload is read.
Status BuildWorkingNew(StoreContext& c, const RollbackMarker& m) {
  RAWKV_RETURN_IF_ERROR(CloneToWorkingNew(c, m.base));
  {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                           OpenIndexForWriting(c, c.paths.working_new_index()));
    const ReplayTarget target{.index = index.get(),
                              .slot_count = c.layout.slot_count,
                              .progress = c.options.progress,
                              .between_batches = {}};
    RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, ReplayInto(target, c.log(), m.target));
    // The log may be cut below what a crash-built index knows only if this one is durable first.
    RAWKV_RETURN_IF_ERROR(index->StartFlush());
    RAWKV_RETURN_IF_ERROR(index->WaitFlush());
  }
  RAWKV_ASSIGN_OR_RETURN(const SnapshotFacts facts, InspectIndex(c.env, c.paths.working_new_index()));
  if (facts.version != m.target || !c.chain().Contains(facts.lineage, facts.version)) {
    return Status::Corruption(c.paths.working_new() + " holds version " + ToString(facts.version) +
                              " instead of " + ToString(m.target));
  }
  return SealWorkingNew(c, m.base);
}

Status SaveForkedChain(StoreContext& c, const RollbackMarker& m) {
  StoreRecord next = c.record();
  RAWKV_ASSIGN_OR_RETURN(next.chain, MakeForkedChain(c, m.new_lineage, m.target));
  return c.SaveRecord(next);
}

Status UpdateDevice(StoreContext& c, const RollbackMarker& m) {
  return c.UpdateSuperblock(std::min(c.reuse_floor(), m.target));
}

Status MoveCurrent(StoreContext& c, const RollbackMarker& m) {
  const Result<Version> current = c.snapshots->Current();
  // One at the target itself is the newest; where the log begins anew behind it, no other leads on.
  const bool may_stay = m.base != m.target && current.ok() && *current <= m.target;
  if (may_stay && c.snapshots->CheckFiles(*current, c.chain()).ok()) {
    return Status::Ok();
  }
  return c.snapshots->SetCurrent(m.base);
}

Status SwapWorkingIn(StoreContext& c, const RollbackMarker&) {
  return SwapWorking(c);
}

Status DropPins(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*c.env.fs, c.paths.dir));
  const size_t before = pins.size();
  std::erase_if(pins, [&](const auto& pin) { return pin.second > m.target; });
  return pins.size() == before ? Status::Ok() : SavePins(*c.env.fs, c.paths.dir, pins);
}

// Everything above the target goes, whole or damaged: nothing of the dead branch may be revived. What cannot
// be removed now is judged by STORE's chain, like everything of a branch that was left, and the next open
// tries again.
Status DropSnapshots(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c.env.fs->List(c.paths.dir));
  for (const std::string& name : names) {
    const std::optional<Version> version = SnapshotStore::ParseDirName(name);
    if (version && *version > m.target) RAWKV_RETURN_IF_ERROR(RemoveSnapshot(c, *version).status());
  }
  return Status::Ok();
}

// Whatever the log's state above the target (damaged, or beginning above a pinned snapshot that is the
// target), it ends at the target afterwards. There is no way back from here, so nothing above the target
// is read, and nothing that is damaged below it stops the cut.
Status CutLog(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*c.env.fs, c.paths.wal()));
  if (segments.empty()) return CreateLog(c.log(), c.wal_options(), Next(m.target));
  RAWKV_RETURN_IF_ERROR(RemoveSegmentsAbove(c.log(), m.target));
  const Result<LogScan> scan = ScanLog(c.log(), m.target, m.target);
  if (scan.status().code() == StatusCode::kCorruption) {
    return BeginLogAnew(c.log(), c.wal_options(), Next(m.target));
  }
  if (!scan.ok()) return scan.status();
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Wal> wal,
                         Wal::Open(c.log(), c.wal_options(), *scan, m.target));
  return wal->Sync();
}

Status RemoveMarker(StoreContext& c, const RollbackMarker&) {
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

// The steps of one phase. A full filesystem gives up the reserve and repeats them: each may be repeated.
Status RunPhase(StoreContext& c, const RollbackMarker& marker, RollbackPhase phase) {
  return WithReserve(c, [&]() -> Status {
    for (const RollbackStep& step : kSteps) {
      if (step.phase != phase) continue;
      const Status status = step.run(c, marker);
      if (!status.ok()) return status.WithContext(std::string("rollback, step ") + step.name);
    }
    return Status::Ok();
  });
}

}  // namespace

std::span<const RollbackStep> RollbackSteps() {
  return kSteps;
}

Result<LineageChain> MakeForkedChain(StoreContext& c, Lineage id, Version fork) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c.env.fs->List(c.paths.dir));
  const Result<std::vector<SegmentFile>> segments = ListSegmentFiles(*c.env.fs, c.paths.wal());
  const bool no_log = segments.status().code() == StatusCode::kNotFound;  // a repair makes it again
  if (!segments.ok() && !no_log) return segments.status();
  Version oldest = fork;
  if (!no_log && !segments->empty()) oldest = std::min(oldest, Previous(segments->front().first));
  for (const std::string& name : names) {
    if (const std::optional<Version> v = SnapshotStore::ParseDirName(name)) oldest = std::min(oldest, *v);
  }
  // The present branch stays also where it owns nothing: the superblock names it until the device learns the
  // new one.
  LineageChain chain = c.chain().Trimmed(oldest).Forked(id, fork);
  if (chain.links().size() <= kMaxLineageLinks) return chain;
  return Status::FailedPrecondition(c.paths.dir + ": the kept versions belong to " +
                                    std::to_string(kMaxLineageLinks) +
                                    " branches, and STORE holds no more; prune snapshots, then try again");
}

RollbackMarker MakeRollbackMarker(const StoreContext& c, const RollbackPlan& plan) {
  RollbackMarker marker{plan.from, plan.to, plan.base, Lineage()};
  do {
    marker.new_lineage = Lineage(c.env.entropy->NextU64());
  } while (marker.new_lineage == Lineage() || c.chain().Knows(marker.new_lineage));
  return marker;
}

Status PrepareRollback(StoreContext& c, const RollbackMarker& marker) {
  return RunPhase(c, marker, RollbackPhase::kPrepare);
}

Status UndoRollback(StoreContext& c, const RollbackMarker& marker) {
  SweepTree(*c.env.fs, c.paths.working_new(), *c.env.logger);
  return RemoveMarker(c, marker);
}

SwitchOutcome SwitchRollback(StoreContext& c, const RollbackMarker& marker, Status* error) {
  *error = RunPhase(c, marker, RollbackPhase::kSwitch);
  if (error->ok()) return SwitchOutcome::kDone;
  // A STORE that was renamed but not synced may be the new one after all: the disk decides, not memory.
  const Result<StoreRecord> on_disk = LoadStoreRecord(*c.env.fs, c.paths.dir);
  if (!on_disk.ok()) return SwitchOutcome::kUnclear;
  c.AdoptRecord(*on_disk);
  if (!on_disk->chain.Knows(marker.new_lineage)) return SwitchOutcome::kNotDone;
  *error = c.SaveRecord(*on_disk);
  return error->ok() ? SwitchOutcome::kDone : SwitchOutcome::kUnclear;
}

Status FinishRollback(StoreContext& c, const RollbackMarker& marker) {
  return RunPhase(c, marker, RollbackPhase::kFinish);
}

Status RunRollback(StoreContext& c, const RollbackPlan& plan) {
  const RollbackMarker marker = MakeRollbackMarker(c, plan);
  Status error = PrepareRollback(c, marker);
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
  // What is done already may be what everyone sees and no disk has: a sync of it may have failed. The device
  // is not told of a lineage, nor the marker removed, ahead of the rest.
  RAWKV_RETURN_IF_ERROR(c.env.fs->SyncDir(c.paths.dir));
  const bool switched = c.chain().Knows(marker->new_lineage);
  c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": an interrupted rollback to version " +
                                            ToString(marker->target) +
                                            (switched ? " is finished" : " is undone"));
  return switched ? FinishRollback(c, *marker) : UndoRollback(c, *marker);
}

}  // namespace rawkv
