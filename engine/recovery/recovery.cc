#include "engine/recovery/recovery.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "engine/recovery/bring_up.h"
#include "engine/recovery/log_reach.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/recovery/snapshot_removal.h"
#include "engine/store/store_dir.h"
#include "engine/store/working_index.h"
#include "engine/undo/undo_steps.h"
#include "snapshot/leases.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

// A write id has the open generation in its upper bits and a counter of 2^40 payload writes below
// (docs/adr/0015).
constexpr int kWriteIdCounterBits = 40;
constexpr uint64_t kOpensWithOwnWriteIds = uint64_t{1} << (64 - kWriteIdCounterBits);
constexpr uint64_t kWarnBeforeOpens = uint64_t{1} << 20;

// The first version in [from, to] whose payload fails its checksums; to + 1 if all pass. A device that cannot
// be read is an error, and never makes a torn tail.
Result<Version> FindFirstBadPayload(StoreContext& c, PayloadIo& payload, Version from, Version to) {
  Version bad = Next(to);
  const Status walked = ReadLog(c.log(), from, to, [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const bool whole, PayloadsAreWhole(payload, record));
    if (whole) return Status::Ok();
    bad = record.head.version;
    return Status::FailedPrecondition("stop");  // ends the walk; `bad` shows that it is no error
  });
  if (!walked.ok() && bad == Next(to)) return walked;
  return bad;
}

// An unreadable snapshot with a version past the log's end may prove that the log lost its tail. The recovery
// must neither cut nor continue the log before it can read that snapshot.
Status CheckUnreadSnapshots(StoreContext& c, Version log_end) {
  std::vector<std::string> unlisted;
  RAWKV_RETURN_IF_ERROR(c.snapshots->List(&unlisted).status());
  for (const std::string& name : unlisted) {
    const Version version = *SnapshotStore::ParseDirName(name);
    if (version <= log_end) continue;
    const Status read = c.snapshots->ReadManifest(version).status();
    if (read.refused()) return read;
  }
  return Status::Ok();
}

void WarnOfRepeatedWriteIds(StoreContext& c, uint64_t generation) {
  if (generation + kWarnBeforeOpens < kOpensWithOwnWriteIds) return;
  const bool repeated = generation >= kOpensWithOwnWriteIds;
  c.env.logger->Log(LogLevel::kWarning,
                    c.paths.dir + ": this is open " + std::to_string(generation) + "; payload write ids " +
                        (repeated ? "repeat since" : "will repeat from") + " open " +
                        std::to_string(kOpensWithOwnWriteIds) +
                        ", which weakens the diagnosis of damage (docs/adr/0015); export the store and "
                        "import it as a new one when convenient");
}

Status RecordOpenAndCut(StoreContext& c, const std::optional<TailCut>& cut) {
  StoreRecord next = c.record();
  // If the superblock is one generation behind, the last open ended between the two writes. No write id has
  // its generation, so this open uses it. If each such open counted up, STORE would run ahead of the device
  // without a bound, and CheckIdentity could not recognise an older copy of the device.
  if (c.superblock().owner_open_generation + 1 != next.open_generation) ++next.open_generation;
  WarnOfRepeatedWriteIds(c, next.open_generation);
  if (cut) {
    next.last_cut = cut;
    c.env.logger->Log(LogLevel::kWarning,
                      c.paths.dir + ": the log ends in " + std::to_string(cut->bytes) +
                          " bytes that were never acknowledged as durable; cut after version " +
                          ToString(cut->cut_after));
  }
  next.reuse_floor = c.reuse_floor();
  if (!c.options.device.empty()) next.device_hint = DeviceHintOf(*c.env.fs, c.paths.dir, c.device_path);
  RAWKV_RETURN_IF_ERROR(c.SaveRecord(next));
  return c.UpdateSuperblock(c.reuse_floor());
}

// Without the erasure, a rebuild may accept a checkpoint whose slots were given out again. It then finds that
// their checksums fail, so this does not keep the store closed.
void AttachCheckpoints(StoreContext& c) {
  if (c.checkpoints == nullptr) return;
  const Status attached = c.checkpoints->Attach(c.chain(), *c.env.logger);
  if (attached.ok()) return;
  c.env.logger->Log(LogLevel::kWarning,
                    c.paths.dir + ": an invalid checkpoint cannot be erased; rebuild with --deep if the " +
                        "directory is ever lost: " + attached.ToString());
}

}  // namespace

Result<CurrentChoice> ResolveCurrent(StoreContext& c) {
  const Result<Version> named = c.snapshots->Current();
  const Status usable = named.ok() ? c.snapshots->CheckFiles(*named, c.chain()) : named.status();
  if (usable.ok()) return CurrentChoice{.version = *named};
  // A refused read proves nothing about the snapshot, so no other one may take its place.
  if (usable.refused() || (!named.ok() && usable.code() == StatusCode::kIoError)) return usable;

  RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> others, ListContinuedSnapshots(c));
  if (!others.empty()) {
    CurrentChoice choice{.version = others.front(), .relink = true};
    if (named.ok() && usable.code() == StatusCode::kCorruption) choice.damaged = *named;
    choice.note = "`current` cannot be used (" + usable.ToString() + "); using snapshot " +
                  ToString(choice.version) + ", the newest whole one that the log continues";
    return choice;
  }
  // There is no other snapshot, but a file that cannot be read now may be readable later: this is not damage.
  if (usable.code() == StatusCode::kIoError) return usable;
  return Status::Corruption(
      c.paths.dir +
      ": `current` is missing or damaged and no other snapshot is whole and "
      "continued by the log; `rawkv-ctl fsck --repair` makes one from the working index if "
      "that is whole, else restore one from a backup, or import an export");
}

Result<Version> FindProven(StoreContext& c) {
  Version proven = c.closed_version();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> snapshots, c.snapshots->List());
  for (const SnapshotInfo& s : snapshots) {
    if (c.chain().Contains(s.lineage, s.version)) proven = std::max(proven, s.version);
  }
  return proven;
}

Result<LogJudgement> JudgeLog(StoreContext& c, Version from, Version proven) {
  // Without the lock, another process may append.
  Result<LogScan> scan =
      c.lock == nullptr ? ScanGrowingLog(c.log(), from, proven) : ScanLog(c.log(), from, proven);
  if (scan.status().code() == StatusCode::kCorruption && from <= proven) {
    return Status::Corruption(scan.status().message() + "; versions " + ToString(from) + " to " +
                              ToString(proven) + " of it were durable");
  }
  if (!scan.ok()) return scan.status();
  return JudgeScan(c, *std::move(scan), proven);
}

Result<LogJudgement> JudgeScan(StoreContext& c, LogScan scan, Version proven) {
  LogJudgement j{.scan = std::move(scan), .durable = {}, .keep_through = {}, .cut = {}};
  if (j.scan.end == LogEnd::kCorrupt) {
    return Status::Corruption(
        j.scan.message + "; versions up to " + ToString(j.scan.last) +
        " are intact in the log; `rawkv-ctl fsck --repair --dry_run` shows what can be kept");
  }
  j.keep_through = j.scan.last;
  j.durable = std::max({proven, j.scan.durable_through, Previous(j.scan.first)});
  if (j.durable < j.scan.last) {
    PayloadIo payload(*c.device.device, c.layout(), c.identity.device_uuid);
    RAWKV_ASSIGN_OR_RETURN(const Version bad, FindFirstBadPayload(c, payload, Next(j.durable), j.scan.last));
    j.keep_through = Previous(bad);
  }
  if (j.scan.end == LogEnd::kTorn || j.keep_through < j.scan.last) {
    j.cut = TailCut{j.keep_through, j.scan.torn_bytes, c.env.clock->NowUnixMs()};
  }
  return j;
}

Status RecordClose(StoreContext& c, Version tip) {
  StoreRecord next = c.record();
  if (next.closed_version == tip) return Status::Ok();
  next.closed_version = tip;
  const Status saved = c.SaveRecord(next);
  return saved.lacks_resource() ? Status::Ok() : saved;
}

Result<StoreStart> JudgeStart(StoreContext& c, Version current, std::optional<WorkingIndex> working,
                              std::string why) {
  RAWKV_ASSIGN_OR_RETURN(Version proven, FindProven(c));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*c.env.fs, c.paths.wal()));
  if (working) {
    proven = std::max(proven, working->meta.applied);
    if (!segments.empty() && Next(working->meta.applied) < segments.front().first) {
      why = "its version " + ToString(working->meta.applied) + " lies below the log's start";
      working.reset();
    }
  }
  const Version start = working ? working->meta.applied : current;
  RAWKV_ASSIGN_OR_RETURN(LogJudgement log, JudgeLog(c, Next(start), proven));
  return StoreStart{std::move(working), std::move(why), std::move(log)};
}

bool IsLeftover(const StoreContext& c, const std::string& name) {
  const std::string path = JoinPath(c.paths.dir, name);
  const bool named_so = name.ends_with(".tmp") || IsRemovalName(name) || path == c.paths.working_new() ||
                        path == c.paths.formatting() || path == c.paths.importing() ||
                        path == c.paths.rebuilding();
  return named_so && !IsDevice(c, path);
}

Status SweepLeftovers(StoreContext& c) {
  Fs& fs = *c.env.fs;
  RAWKV_RETURN_IF_ERROR(c.snapshots->Sweep(c.device.device->geometry().file_id));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(c.paths.dir));
  for (const std::string& name : names) {
    if (SnapshotStore::IsSweptName(name)) continue;  // Sweep has tried it
    if (IsLeftover(c, name)) SweepTree(fs, JoinPath(c.paths.dir, name), *c.env.logger);
  }
  RAWKV_RETURN_IF_ERROR(RemoveAbandonedSnapshots(c));
  return SweepViews(fs, c.paths.dir, *c.env.logger);
}

Status Recover(StoreContext& c, Core& core) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  c.without_room = false;
  RAWKV_RETURN_IF_ERROR(FinishOrUndoRollback(c));
  AttachCheckpoints(c);
  RAWKV_RETURN_IF_ERROR(SweepLeftovers(c));
  RAWKV_ASSIGN_OR_RETURN(const CurrentChoice current, ResolveCurrent(c));
  if (!current.note.empty()) c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": " + current.note);

  std::string why;
  std::optional<WorkingIndex> working;
  const Status opened = WithReserve(c, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(working, OpenWorking(c, &why));
    return Status::Ok();
  });
  if (opened.code() == StatusCode::kNoSpace) {
    MarkOpenedWithoutRoom(c, opened);
    RAWKV_ASSIGN_OR_RETURN(working, OpenWorking(c, &why, IndexFilesGo::kToMemory));
  } else if (!opened.ok()) {
    return opened;
  }
  RAWKV_ASSIGN_OR_RETURN(StoreStart start,
                         JudgeStart(c, current.version, std::move(working), std::move(why)));
  const LogJudgement& log = start.log;
  RAWKV_RETURN_IF_ERROR(CheckUnreadSnapshots(c, log.keep_through));

  if (current.relink) RAWKV_RETURN_IF_ERROR(c.snapshots->SetCurrent(current.version));
  if (current.damaged) RAWKV_RETURN_IF_ERROR(MoveDamagedAside(c, *current.damaged));
  const Status recorded = WithReserve(c, [&] { return RecordOpenAndCut(c, log.cut); });
  if (recorded.code() == StatusCode::kNoSpace) {
    MarkOpenedWithoutRoom(c, recorded);
    if (log.cut) {  // in memory; the next save writes it
      StoreRecord with_cut = c.record();
      with_cut.last_cut = log.cut;
      c.AdoptRecord(with_cut);
    }
  } else if (!recorded.ok()) {
    return recorded;
  }
  RAWKV_RETURN_IF_ERROR(WithReserve(c, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(core.wal, Wal::Open(c.log(), c.wal_options(), log.scan, log.keep_through));
    return Status::Ok();
  }));
  // The adopted records may be in caches only. They must be durable before anything is acknowledged after
  // them.
  RAWKV_RETURN_IF_ERROR(c.device.device->Flush());
  RAWKV_RETURN_IF_ERROR(core.wal->Sync());
  core.max_group_bytes = core.wal->max_group_bytes();

  RAWKV_RETURN_IF_ERROR(BringUpIndex(
      c, core, {.working = std::move(start.working), .why = start.why, .current = current.version},
      log.keep_through));
  core.allocator =
      std::make_unique<SlotAllocator>(*core.index, c.layout(), core.meta.taken_slots, core.meta.cursor);
  if (core.payload == nullptr) {
    core.payload = std::make_unique<PayloadIo>(*c.device.device, c.layout(), c.identity.device_uuid);
  }
  core.tip.Reset(core.meta.applied);
  core.durable = core.meta.applied.value();
  core.next_write_id = c.record().open_generation << kWriteIdCounterBits;
  RefillReserve(c);
  // Also takes out what an earlier open with a larger window left. Nothing depends on its success.
  core.undo_from = FirstInUndoWindow(core.meta.applied, c.runtime.undo_versions);
  if (const Result<Version> oldest = DropUndoBelow(*core.index, core.undo_from, core.meta.applied);
      oldest.ok()) {
    core.undo_from = *oldest;
  }
  core.undo_end = Next(core.meta.applied);
  core.flushed = core.meta.applied;
  core.index->AllowCompaction();
  return Status::Ok();
}

}  // namespace rawkv
