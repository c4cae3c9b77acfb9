#include "engine/admin/repair_plan.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/format/format_store.h"
#include "engine/recovery/rollback_plan.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/store/replay.h"
#include "engine/store/working_index.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

Status RewriteSuperblock(StoreContext& c) {
  RAWKV_RETURN_IF_ERROR(c.superblocks->Save(c.superblock()).WithContext(c.device_path + ": superblock"));
  RAWKV_ASSIGN_OR_RETURN(const Superblock saved, c.superblocks->Load());
  c.AdoptSuperblock(saved);
  return Status::Ok();
}

Status MoveMarkerAside(StoreContext& c) {
  RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(*c.env.fs, c.paths.rollback_marker()));
  if (!there) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::string aside, ChooseAsideName(*c.env.fs, c.paths.rollback_marker()));
  RAWKV_RETURN_IF_ERROR(c.env.fs->Rename(c.paths.rollback_marker(), aside));
  return c.env.fs->SyncDir(c.paths.dir);
}

Status ReplacePins(StoreContext& c, const PinTable& pins) {
  if (LoadPins(*c.env.fs, c.paths.dir).ok()) return Status::Ok();  // done before
  const std::string path = JoinPath(c.paths.dir, "PINS");
  RAWKV_ASSIGN_OR_RETURN(const std::string aside, ChooseAsideName(*c.env.fs, path));
  // A second name and not a rename: without PINS, nothing would be pinned.
  RAWKV_RETURN_IF_ERROR(c.env.fs->Link(path, aside));
  RAWKV_RETURN_IF_ERROR(c.env.fs->SyncDir(c.paths.dir));
  return SavePins(*c.env.fs, c.paths.dir, pins);
}

Status CorrectSlots(StoreContext& c, KeyIndex& index) {
  SlotCheck slots(index, "working.new", c.layout().slot_count);
  CheckReport found;  // the check has reported all of it
  RAWKV_RETURN_IF_ERROR(slots.Run(&found));
  return slots.worst() == SlotCheck::Worst::kNothing ? Status::Ok() : slots.Correct();
}

// Builds working.new/, flushes and verifies it, but does not seal it: until it is swapped in, nothing uses
// it.
Status BuildState(StoreContext& c, const RepairDecision::Build& b) {
  Fs& fs = *c.env.fs;
  if (b.snapshot) {
    RAWKV_RETURN_IF_ERROR(CloneToWorkingNew(c, *b.snapshot));
  } else {
    RAWKV_RETURN_IF_ERROR(FreePath(fs, c.paths.working_new(), *c.env.logger));
    RAWKV_RETURN_IF_ERROR(fs.MakeDir(c.paths.working_new()));
    RAWKV_RETURN_IF_ERROR(CloneIndex(fs, c.paths.working_index(), c.paths.working_new_index()));
  }
  {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                           OpenIndexForWriting(c, c.paths.working_new_index()));
    // Before the replay, too: a replay over pages that contradict the keys fails.
    if (b.correct_slots) RAWKV_RETURN_IF_ERROR(CorrectSlots(c, *index));
    const ReplayTarget target{.index = index.get(),
                              .slot_count = c.layout().slot_count,
                              .progress = c.options.progress,
                              .between_batches = {},
                              .read = [&c](Version from, Version to, const RecordFn& fn) -> Status {
                                return ReadIntactRecords(c.log(), from, to, fn).status();
                              }};
    RAWKV_RETURN_IF_ERROR(ReplayInto(target, c.log(), b.to).status());
    if (b.correct_slots) RAWKV_RETURN_IF_ERROR(CorrectSlots(c, *index));
    // The index is never ahead of device and log (invariant 8), and theirs may be in caches only.
    RAWKV_RETURN_IF_ERROR(c.device.device->Flush());
    if (b.to > b.from) RAWKV_RETURN_IF_ERROR(SyncTree(fs, c.paths.wal()));
    RAWKV_RETURN_IF_ERROR(index->StartFlush());
    RAWKV_RETURN_IF_ERROR(index->WaitFlush());
  }
  RAWKV_ASSIGN_OR_RETURN(const SnapshotFacts facts, InspectIndex(c.env, c.paths.working_new_index()));
  if (facts.version == b.to && c.chain().Contains(facts.lineage, facts.version)) return Status::Ok();
  return Status::Corruption(c.paths.working_new() + " holds version " + ToString(facts.version) +
                            " instead of " + ToString(b.to));
}

// Moves a damaged snapshot of this version aside, which blocks the name. `current` may name it, so drops that
// link.
Status MoveBlockingSnapshotAside(StoreContext& c, Version version) {
  RAWKV_ASSIGN_OR_RETURN(const bool taken, Exists(*c.env.fs, c.snapshots->PathOf(version)));
  if (!taken) return Status::Ok();
  const Result<Version> current = c.snapshots->Current();
  if (!current.ok() || *current == version) RAWKV_RETURN_IF_ERROR(c.snapshots->RemoveCurrent());
  return c.snapshots->MoveAside(version).status();
}

Status PublishState(StoreContext& c, const RepairDecision::Build& b) {
  RAWKV_RETURN_IF_ERROR(MoveBlockingSnapshotAside(c, b.to));
  return PublishIndex(c.paths.dir, c.env, c.record(), c.paths.working_new_index());
}

Status QuarantineAll(StoreContext& c, const std::vector<Version>& versions) {
  for (const Version v : versions) {
    RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(*c.env.fs, c.snapshots->PathOf(v)));
    const Result<Version> current = c.snapshots->Current();
    // `current` names the whole snapshot that this repair has published in its place.
    const bool replaced = current.ok() && *current == v;
    if (there && !replaced) RAWKV_RETURN_IF_ERROR(c.snapshots->MoveAside(v).status());
  }
  return Status::Ok();
}

// Keeps the segments that the repair will remove or overwrite in wal.damaged/. Builds that directory under a
// name that is swept.
Status KeepLogAside(StoreContext& c, const RepairDecision& d) {
  Fs& fs = *c.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(fs, c.paths.wal()));
  RAWKV_RETURN_IF_ERROR(FreePath(fs, c.paths.log_aside_new(), *c.env.logger));
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(c.paths.log_aside_new()));
  bool any = false;
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentFile& segment = segments[i];
    const bool has_next = i + 1 < segments.size();
    const Version end = has_next ? segments[i + 1].first : segment.first;
    bool goes = d.restart_log;
    BackupMode mode = BackupMode::kLink;
    if (d.drop_log_before) goes = has_next && end <= *d.drop_log_before;
    if (d.rollback) {
      goes = !has_next || end > Next(d.rollback->to);
      // The log continues to write to a segment that is cut in its middle, so a link would change with it.
      if (segment.first <= Next(d.rollback->to)) mode = BackupMode::kCopy;
    }
    if (!goes) continue;
    any = true;
    RAWKV_RETURN_IF_ERROR(BackUpSegment(c.log(), segment, c.paths.log_aside_new(), mode));
  }
  if (!any) return RemoveTree(fs, c.paths.log_aside_new());
  RAWKV_RETURN_IF_ERROR(SyncTree(fs, c.paths.log_aside_new()));
  RAWKV_ASSIGN_OR_RETURN(const std::string aside, ChooseAsideName(fs, c.paths.wal()));
  RAWKV_RETURN_IF_ERROR(fs.Rename(c.paths.log_aside_new(), aside));
  return fs.SyncDir(c.paths.dir);
}

// Forks the lineage at `tip`. Others may have read the versions above it, so new versions belong to another
// branch (invariant 4).
Status ForkLineageAt(StoreContext& c, Version tip) {
  Lineage id;
  while (id == Lineage() || c.chain().HasBranch(id)) id = Lineage(c.env.entropy->NextU64());
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord next, MakeForkedRecord(c, id, tip));
  RAWKV_RETURN_IF_ERROR(c.SaveRecord(next));
  return c.UpdateSuperblock(std::min(c.reuse_floor(), tip));
}

Status StartLogFromScratch(StoreContext& c, Version tip) {
  RAWKV_RETURN_IF_ERROR(ForkLineageAt(c, tip));
  RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(*c.env.fs, c.paths.wal()));
  if (!there) RAWKV_RETURN_IF_ERROR(MakeDirSynced(*c.env.fs, c.paths.wal()));
  return ReplaceLog(c.log(), c.wal_options(), Next(tip));
}

Status RunStateSteps(StoreContext& c, const RepairDecision& d) {
  if (d.build) {
    RAWKV_RETURN_IF_ERROR(BuildState(c, *d.build));
    if (d.build->publish) RAWKV_RETURN_IF_ERROR(PublishState(c, *d.build));
  }
  if (d.set_current) RAWKV_RETURN_IF_ERROR(c.snapshots->SetCurrent(*d.set_current));
  // Pins first: without the log, only a pin keeps these snapshots.
  if (d.pins_after) RAWKV_RETURN_IF_ERROR(SavePins(*c.env.fs, c.paths.dir, *d.pins_after));
  RAWKV_RETURN_IF_ERROR(QuarantineAll(c, d.quarantine));
  if (d.restart_log || d.drop_log_before) RAWKV_RETURN_IF_ERROR(KeepLogAside(c, d));
  if (d.restart_log) RAWKV_RETURN_IF_ERROR(StartLogFromScratch(c, d.shown.tip));
  if (d.drop_log_before) RAWKV_RETURN_IF_ERROR(RemoveSegmentsBelow(c.log(), *d.drop_log_before));
  if (!d.build) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(SealWorkingNew(c, d.build->from));
  return SwapWorking(c);
}

Status RunRollbackSteps(StoreContext& c, const RepairDecision& d) {
  const Result<Version> current = c.snapshots->Current();
  const bool usable = current.ok() && std::count(d.quarantine.begin(), d.quarantine.end(), *current) == 0;
  if (!usable) RAWKV_RETURN_IF_ERROR(c.snapshots->SetCurrent(d.rollback->base));
  if (d.pins_after) RAWKV_RETURN_IF_ERROR(SavePins(*c.env.fs, c.paths.dir, *d.pins_after));
  RAWKV_RETURN_IF_ERROR(QuarantineAll(c, d.quarantine));
  RAWKV_RETURN_IF_ERROR(KeepLogAside(c, d));
  return RunRollback(c, *d.rollback, {});
}

}  // namespace

Status RunRepair(StoreContext& c, const RepairDecision& d, bool agreed) {
  if (d.store_file) RAWKV_RETURN_IF_ERROR(c.SaveRecord(c.record()));
  if (d.superblock) RAWKV_RETURN_IF_ERROR(RewriteSuperblock(c));
  if (d.marker) RAWKV_RETURN_IF_ERROR(MoveMarkerAside(c));
  if (d.pins) RAWKV_RETURN_IF_ERROR(ReplacePins(c, *d.pins));
  if (!agreed || d.way == RepairDecision::Way::kNone) return Status::Ok();
  if (d.rollback) RAWKV_RETURN_IF_ERROR(CheckNotBlocked(*d.rollback));
  return d.rollback ? RunRollbackSteps(c, d) : RunStateSteps(c, d);
}

}  // namespace rawkv
