#include "engine/rollback_steps.h"

#include <algorithm>
#include <array>

#include "base/fs_ops.h"
#include "engine/replay.h"
#include "engine/working_index.h"
#include "snapshot/pins.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

Status Mark(StoreContext& c, const RollbackMarker& m) {
  return SaveRollbackMarker(*c.env.fs, c.paths.rollback_marker(), m);
}

// working.new/ at the target, flushed and verified: opens, applied version and lineage as they must
// be. No payload is read.
Status Build(StoreContext& c, const RollbackMarker& m) {
  RAWKV_RETURN_IF_ERROR(CloneToWorkingNew(c, m.base));
  {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                           OpenIndexForWriting(c, c.paths.working_new_index()));
    const ReplayTarget target{.index = index.get(),
                              .slot_count = c.layout().slot_count,
                              .progress = c.options.progress,
                              .between_batches = {}};
    RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, ReplayInto(target, c.log(), m.target));
    // The log may be cut below what a crash-built index knows only if this one is durable first.
    RAWKV_RETURN_IF_ERROR(index->StartFlush());
    RAWKV_RETURN_IF_ERROR(index->WaitFlush());
  }
  RAWKV_ASSIGN_OR_RETURN(const SnapshotFacts facts, InspectIndex(c.env, c.paths.working_new_index()));
  if (facts.version != m.target || !c.record.chain.Contains(facts.lineage, facts.version)) {
    return Status::Corruption(c.paths.working_new() + " holds version " + ToString(facts.version) +
                              " instead of " + ToString(m.target));
  }
  return SealWorkingNew(c, m.base);
}

Status Switch(StoreContext& c, const RollbackMarker& m) {
  StoreRecord next = c.record;
  next.chain = next.chain.Forked(m.new_lineage, m.target);
  return c.SaveRecord(next);
}

Status TellDevice(StoreContext& c, const RollbackMarker& m) {
  return c.TellDevice(std::min(Version(c.superblock.owner_reuse_floor), m.target));
}

Status MoveCurrent(StoreContext& c, const RollbackMarker& m) {
  const Result<Version> current = c.snapshots->Current();
  // One at the target itself is the newest; where the log begins anew behind it, no other leads on.
  const bool may_stay = m.base != m.target && current.ok() && *current <= m.target;
  if (may_stay && c.snapshots->CheckFiles(*current, c.record.chain).ok()) {
    return Status::Ok();
  }
  return c.snapshots->SetCurrent(m.base);
}

Status SwapIn(StoreContext& c, const RollbackMarker&) {
  return SwapWorking(c);
}

Status DropPins(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(PinTable pins, LoadPins(*c.env.fs, c.paths.dir));
  const size_t before = pins.size();
  std::erase_if(pins, [&](const auto& pin) { return pin.second > m.target; });
  return pins.size() == before ? Status::Ok() : SavePins(*c.env.fs, c.paths.dir, pins);
}

// Everything above the target goes, whole or damaged: nothing of the dead branch may be revived.
Status DropSnapshots(StoreContext& c, const RollbackMarker& m) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, c.env.fs->List(c.paths.dir));
  for (const std::string& name : names) {
    const std::optional<Version> version = SnapshotStore::ParseDirName(name);
    if (version && *version > m.target) RAWKV_RETURN_IF_ERROR(c.snapshots->Remove(*version));
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

Status Unmark(StoreContext& c, const RollbackMarker&) {
  const Status removed = c.env.fs->RemoveFile(c.paths.rollback_marker());
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  return c.env.fs->SyncDir(c.paths.dir);
}

constexpr std::array<RollbackStep, 10> kSteps{{
    {"mark", false, Mark},
    {"build", false, Build},
    {"switch", false, Switch},  // the instant: undone if it fails, finished if it does not
    {"device", true, TellDevice},
    {"current", true, MoveCurrent},
    {"working", true, SwapIn},
    {"pins", true, DropPins},
    {"snapshots", true, DropSnapshots},
    {"log", true, CutLog},
    {"unmark", true, Unmark},
}};

Status RunSteps(StoreContext& c, const RollbackMarker& marker, bool after_switch) {
  for (const RollbackStep& step : kSteps) {
    if (step.after_switch != after_switch) continue;
    const Status status = step.run(c, marker);
    if (!status.ok()) return status.WithContext(std::string("rollback, step ") + step.name);
  }
  return Status::Ok();
}

Status Undo(StoreContext& c, const RollbackMarker& marker) {
  RAWKV_RETURN_IF_ERROR(RemoveTree(*c.env.fs, c.paths.working_new()));
  return Unmark(c, marker);
}

}  // namespace

std::span<const RollbackStep> RollbackSteps() {
  return kSteps;
}

Status RunRollback(StoreContext& c, const RollbackPlan& plan) {
  RollbackMarker marker{plan.from, plan.to, plan.base, Lineage()};
  do {
    marker.new_lineage = Lineage(c.env.entropy->NextU64());
  } while (marker.new_lineage == Lineage() || c.record.chain.Knows(marker.new_lineage));

  const Status prepared = WithBallast(c, [&] { return RunSteps(c, marker, false); });
  if (!prepared.ok()) {
    // A STORE that was renamed but not synced may be the new one after all: disk decides, not memory.
    RAWKV_ASSIGN_OR_RETURN(c.record, LoadStoreRecord(*c.env.fs, c.paths.dir));
    if (!c.record.chain.Knows(marker.new_lineage)) {
      const Status undone = Undo(c, marker);
      return undone.ok() ? prepared
                         : prepared.WithContext("and undoing it failed, reopen the store (" +
                                                undone.ToString() + ")");
    }
    RAWKV_RETURN_IF_ERROR(c.SaveRecord(c.record));
  }
  return WithBallast(c, [&] { return RunSteps(c, marker, true); });
}

Status FinishOrUndoRollback(StoreContext& c) {
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c.env.fs, c.paths.rollback_marker());
  if (marker.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!marker.ok()) return marker.status();
  // What is done already may be what everyone sees and no disk has: a sync of it may have failed. The device
  // is not told of a lineage, nor the marker removed, ahead of the rest.
  RAWKV_RETURN_IF_ERROR(c.env.fs->SyncDir(c.paths.dir));
  const bool switched = c.record.chain.Knows(marker->new_lineage);
  c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": an interrupted rollback to version " +
                                            ToString(marker->target) +
                                            (switched ? " is finished" : " is undone"));
  if (!switched) return Undo(c, *marker);
  return WithBallast(c, [&] { return RunSteps(c, *marker, true); });
}

}  // namespace rawkv
