#include "engine/recovery/bring_up.h"

#include <algorithm>

#include "engine/recovery/snapshot_removal.h"
#include "engine/store/replay.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

Result<WorkingIndex> RebuildWorking(StoreContext& c, Version base, const std::string& why) {
  c.env.logger->Log(LogLevel::kInfo,
                    c.paths.working() + " is rebuilt from snapshot " + ToString(base) + ": " + why);
  RAWKV_RETURN_IF_ERROR(CloneToWorkingNew(c, base));
  RAWKV_RETURN_IF_ERROR(SealWorkingNew(c, base));
  RAWKV_RETURN_IF_ERROR(SwapWorking(c));
  std::string still;
  RAWKV_ASSIGN_OR_RETURN(std::optional<WorkingIndex> working, OpenWorking(c, &still));
  if (!working) {
    return Status::Corruption(c.snapshots->PathOf(base) + ": a working index cloned from it does not open: " +
                              still + "; see `rawkv-ctl snapshot verify`, or roll back to another snapshot");
  }
  return *std::move(working);
}

Status ReplayToEnd(StoreContext& c, Core& core, Version to) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  ReplayTarget target{.index = core.index.get(),
                      .slot_count = c.layout().slot_count,
                      .undo_versions = c.runtime.undo_versions,
                      .progress = c.options.progress,
                      .clock = c.env.clock,
                      .rate = &c.replay_rate,
                      .between_batches = {}};
  target.between_batches = [&]() -> Status {
    if (c.without_room || core.index->MemtableBytes() < c.options.memtable_bytes) return Status::Ok();
    core.index->AllowCompaction();  // a long replay, which will make many tables
    const Status flushed = WithReserve(c, [&]() -> Status {
      RAWKV_RETURN_IF_ERROR(core.index->StartFlush());
      return core.index->WaitFlush();
    });
    // A store opens on a full filesystem, too: the entries stay in memory and in the log.
    return flushed.lacks_resource() ? Status::Ok() : flushed;
  };
  RAWKV_ASSIGN_OR_RETURN(core.meta, ReplayInto(target, c.log(), to));
  return Status::Ok();
}

Status BringUpFromSnapshot(StoreContext& c, Core& core, Version base, const std::string& why,
                           Version to) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  core.index.reset();
  const Status rebuilt = WithReserve(c, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(WorkingIndex working, RebuildWorking(c, base, why));
    core.index = std::move(working.index);
    return Status::Ok();
  });
  if (rebuilt.code() == StatusCode::kNoSpace) {
    MarkOpenedWithoutRoom(c, rebuilt);
    RAWKV_ASSIGN_OR_RETURN(core.index,
                           OpenIndexForWriting(c, c.snapshots->IndexPathOf(base), IndexFilesGo::kToMemory));
  } else if (!rebuilt.ok()) {
    return rebuilt;
  }
  return ReplayToEnd(c, core, to);
}

Status AdoptOlderSnapshot(StoreContext& c, Version base, const std::vector<Version>& damaged,
                          const Status& cause) {
  RAWKV_RETURN_IF_ERROR(c.snapshots->SetCurrent(base));
  for (const Version v : damaged) RAWKV_RETURN_IF_ERROR(MoveDamagedAside(c, v));
  c.env.logger->Log(LogLevel::kWarning, c.paths.dir + ": `current` cannot be used (" + cause.ToString() +
                                            "); snapshot " + ToString(base) +
                                            " and the log after it took its place; nothing is lost");
  return Status::Ok();
}

}  // namespace

void MarkOpenedWithoutRoom(StoreContext& c, const Status& cause) {
  c.without_room = true;
  c.env.logger->Log(
      LogLevel::kWarning,
      c.paths.dir + ": opened without room on the filesystem (" + cause.ToString() +
          "); reads, deletes and prunes work; puts, snapshots and rollbacks need room and a reopen");
}

Result<std::vector<Version>> ListContinuedSnapshots(StoreContext& c) {
  std::vector<Version> out;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> segments, ListSegmentFiles(*c.env.fs, c.paths.wal()));
  Status unread;
  RAWKV_ASSIGN_OR_RETURN(std::vector<SnapshotInfo> snapshots, c.snapshots->List(nullptr, &unread));
  if (unread.refused()) return unread;
  std::reverse(snapshots.begin(), snapshots.end());
  for (const SnapshotInfo& s : snapshots) {
    // Below the reuse floor the values of its successors may be overwritten, even if the log has their
    // records.
    const bool continued = !segments.empty() && segments.front().first <= Next(s.version) &&
                           s.version.value() >= c.reuse_floor().value();
    if (!continued) continue;
    const Status whole = c.snapshots->CheckFiles(s.version, c.chain());
    if (whole.refused()) return whole;
    if (whole.ok()) out.push_back(s.version);
  }
  return out;
}

Status BringUpIndex(StoreContext& c, Core& core, IndexSource source,
                    Version to) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  if (source.working) {
    core.index = std::move(source.working->index);
    const Status reached = ReplayToEnd(c, core, to);
    if (reached.code() != StatusCode::kCorruption) return reached;
    source.why = reached.ToString();
  }
  const Status first = BringUpFromSnapshot(c, core, source.current, source.why, to);
  if (first.code() != StatusCode::kCorruption) return first;
  std::vector<Version> damaged{source.current};
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> bases, ListContinuedSnapshots(c));
  for (const Version base : bases) {
    if (base >= source.current) continue;
    const Status reached = BringUpFromSnapshot(c, core, base, first.ToString(), to);
    if (reached.ok()) return AdoptOlderSnapshot(c, base, damaged, first);
    if (reached.code() != StatusCode::kCorruption) return reached;
    damaged.push_back(base);
  }
  return first;
}

}  // namespace rawkv
