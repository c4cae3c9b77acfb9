#include <algorithm>

#include "base/exception_status.h"
#include "engine/admin/describe.h"
#include "engine/admin/inspect.h"
#include "engine/live/writer_status.h"
#include "engine/recovery/bring_up.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/retry_while_changing.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/recovery/store_end.h"
#include "engine/store/replay.h"
#include "engine/store/store_dir.h"
#include "engine/store/working_index.h"

// An inspection reads a store without its lock and changes no file of it. It looks again if a writer changes
// the store meanwhile. What it cannot read is the error `unopenable`; the rest of its answer stands.
namespace rawkv {
namespace {

constexpr auto kNoSlots = [] { return uint64_t{0}; };

// Fills in version and slots of a store that nobody has open, as an open would find them: the index of the
// tip is built in memory.
Status DescribeTip(StoreContext& c, const StoreSurvey& survey, EngineInfo* info) {
  RAWKV_ASSIGN_OR_RETURN(const CurrentChoice current, ResolveCurrent(c));
  std::string why;
  RAWKV_ASSIGN_OR_RETURN(std::optional<WorkingIndex> working, OpenWorking(c, &why, IndexFilesGo::kToMemory));
  RAWKV_ASSIGN_OR_RETURN(StoreStart start, JudgeStart(c, current.version, std::move(working), why));
  const Version tip = start.log.keep_through;
  info->version = tip;
  info->durable_version = std::min(start.log.durable, tip);
  RAWKV_ASSIGN_OR_RETURN(std::vector<VersionHold> leases, ForeignHolds(c, {}));
  const Reachability reach = ToReachability(survey, tip, std::move(leases));
  info->reachable = reach.Ranges();

  const auto describe = [&](KeyIndex& index) -> Status {
    const ReplayTarget target{.index = &index,
                              .slot_count = c.layout().slot_count,
                              .progress = c.options.progress,
                              .between_batches = {}};
    RAWKV_RETURN_IF_ERROR(ReplayInto(target, c.log(), tip).status());
    return DescribeSlots(index, reach, c.layout().slot_count, kNoSlots, info);
  };
  Status described = Status::Corruption(start.why);
  if (start.working) described = describe(*start.working->index);
  start.working.reset();
  if (described.code() != StatusCode::kCorruption) return described;
  // As an open does: from `current`, or else from an older snapshot.
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> bases, ListContinuedSnapshots(c));
  for (const Version base : bases) {
    if (base > current.version) continue;
    const Result<std::unique_ptr<KeyIndex>> index =
        OpenIndexForWriting(c, c.snapshots->IndexPathOf(base), IndexFilesGo::kToMemory);
    described = index.ok() ? describe(**index) : index.status();
    if (described.code() != StatusCode::kCorruption) return described;
  }
  return described;
}

// The same next to a writer: the version is the newest in the log, and the slots are those of `current`. Only
// the writer knows those of the tip.
Status DescribeNextToWriter(StoreContext& c, const StoreSurvey& survey, EngineInfo* info) {
  RAWKV_ASSIGN_OR_RETURN(const CurrentChoice current, ResolveCurrent(c));
  RAWKV_ASSIGN_OR_RETURN(const Version proven, FindProven(c));
  RAWKV_ASSIGN_OR_RETURN(const LogScan scan, ScanGrowingLog(c.log(), Next(current.version), proven));
  if (scan.end == LogEnd::kCorrupt) return Status::Corruption(scan.message);
  info->version = std::max(scan.last, proven);
  info->durable_version = std::min(std::max(scan.durable_through, proven), info->version);
  const Reachability reach = ToReachability(survey, info->version, {});
  info->reachable = reach.Ranges();
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                         OpenIndexForReading(c.env, c.snapshots->IndexPathOf(current.version)));
  return DescribeSlots(*index, reach, c.layout().slot_count, kNoSlots, info);
}

// What can be read of a store that cannot be opened.
void DescribeReadablePart(StoreContext& c, const StoreSurvey& survey, EngineInfo* info) {
  const Result<FoundStoreEnd> found = FindStoreEnd(c, survey);
  if (!found.ok()) return;
  info->version = found->end.intact;
  info->durable_version = found->durable;
  if (survey.snapshots.empty()) return;
  const Reachability reach = ToReachability(survey, info->version, {});
  info->reachable = reach.Ranges();
  if (!survey.current || c.device.device == nullptr) return;
  const Result<std::unique_ptr<KeyIndex>> index =
      OpenIndexForReading(c.env, c.snapshots->IndexPathOf(*survey.current));
  if (index.ok()) (void)DescribeSlots(**index, reach, c.layout().slot_count, kNoSlots, info);
}

// The marker of a rollback that no process is finishing.
void NoteInterruptedRollback(StoreContext& c, EngineInfo* info) {
  const Result<RollbackMarker> marker = LoadRollbackMarker(*c.env.fs, c.paths.rollback_marker());
  if (marker.status().code() == StatusCode::kNotFound || info->writer || info->health != "ok") return;
  info->health = marker.ok() ? "a rollback to version " + ToString(marker->target) +
                                   " was interrupted; the next open for writing finishes or undoes it"
                             : marker.status().ToString();
  if (!marker.ok()) info->unopenable = marker.status();
}

Result<EngineInfo> InspectOnce(const std::string& dir, const OpenOptions& options) {
  Result<std::unique_ptr<StoreContext>> opened = OpenStoreContext(dir, options, ContextAccess::kRead);
  const Status refused = opened.status();
  if (!opened.ok()) {
    opened = OpenStoreContext(dir, options, ContextAccess::kAlongsideWriter);
    if (!opened.ok()) return opened.status();
  }
  StoreContext& c = **opened;
  Result<StoreSurvey> survey = Survey(c);
  EngineInfo info = DescribeIdentity(c, survey.ok() ? *survey : StoreSurvey{});
  DescribeWriter(c, &info);
  const Result<FsSpace> space = c.env.fs->Space(c.paths.dir);
  info.read_only_media = space.ok() && space->read_only;
  info.unopenable = !refused.ok() ? refused : !survey.ok() ? survey.status() : survey->unread;
  if (info.unopenable.ok()) {
    info.unopenable = info.writer ? DescribeNextToWriter(c, *survey, &info) : DescribeTip(c, *survey, &info);
  }
  if (!info.unopenable.ok()) {
    info.health = info.unopenable.ToString();
    if (survey.ok()) DescribeReadablePart(c, *survey, &info);
  }
  NoteInterruptedRollback(c, &info);
  return info;
}

}  // namespace

Result<EngineInfo> InspectStore(const std::string& dir, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  std::optional<EngineInfo> info;
  const Status inspected =
      RetryWhileChanging(*options.env.fs, store_dir, options.lock_wait_ms, [&]() -> Status {
        info.reset();
        RAWKV_ASSIGN_OR_RETURN(info, InspectOnce(store_dir, options));
        return info->unopenable;
      });
  if (!info) return inspected;
  return *std::move(info);
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
