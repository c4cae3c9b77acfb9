#include "engine/admin/inspect.h"

#include <algorithm>

#include "base/exception_status.h"
#include "base/version_info.h"
#include "engine/recovery/recovery.h"
#include "engine/recovery/retry_while_changing.h"
#include "engine/store/store_dir.h"
#include "engine/store/store_survey.h"
#include "wal/change_set.h"

namespace rawkv {
namespace {

Result<std::unique_ptr<StoreContext>> OpenAt(const std::string& dir, const OpenOptions& options,
                                             ContextAccess access) {
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  return OpenStoreContext(store_dir, options, access);
}

// Absent if the snapshot is being removed, or will be by the next open.
Result<std::optional<SnapshotVerdict>> VerifySnapshot(StoreContext& c, Version version) {
  const Result<Manifest> manifest = c.snapshots->ReadManifest(version);
  if (manifest.ok() && c.chain().Abandons(manifest->lineage, version))
    return std::optional<SnapshotVerdict>();
  const SnapshotCallbacks callbacks{
      .fill = {}, .inspect = [&](const std::string& index_dir) { return InspectIndex(c.env, index_dir); }};
  Result<std::vector<std::string>> errors =
      c.snapshots->Verify(version, c.chain(), SnapshotChecksummer(c.env), callbacks);
  if (errors.status().code() == StatusCode::kNotFound) return std::optional<SnapshotVerdict>();
  if (!errors.ok()) return errors.status();
  return std::optional<SnapshotVerdict>({version, *std::move(errors)});
}

// Calls `fn` for each record of [first, last]. kBusy: a writer dropped segments meanwhile.
Status DumpRecords(StoreContext& c, Version first, Version last,
                   const std::function<Status(const LogRecordRow&)>& fn) {
  if (last < first) return Status::Ok();
  const Status read = ReadLog(c.log(), first, last, [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
    const auto puts =
        static_cast<uint64_t>(std::count_if(changes.ops.begin(), changes.ops.end(), [](const ChangeOp& op) {
          return op.kind == ChangeOp::Kind::kPut;
        }));
    return fn({record.head.version, record.head.lineage, record.head.time_unix_ms, puts,
               changes.ops.size() - puts, record.head.durable_through});
  });
  if (read.code() != StatusCode::kCorruption) return read;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentInfo> segments, ListSegments(c.log()));
  if (!segments.empty() && segments.front().first == first) return read;
  return Status::Busy(c.paths.wal() + ": a writer dropped segments while they were read; try again");
}

}  // namespace

Result<bool> HasInterruptedWork(const std::string& dir, const OpenOptions& options) try {
  Fs& fs = *options.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(fs, dir));
  const StorePaths paths(store_dir);
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(store_dir));
  const bool interrupted = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return JoinPath(store_dir, name) == paths.rollback_marker() || IsRemovalName(name);
  });
  if (!interrupted) return false;
  const Result<bool> open = fs.IsLocked(paths.lock());
  return !open.ok() || !*open;
} catch (...) {
  return StatusOfException();
}

Result<std::vector<SnapshotRow>> ListSnapshots(const std::string& dir, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenAt(dir, options, ContextAccess::kAlongsideWriter));
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, Survey(*c));
  return survey.Rows();
} catch (...) {
  return StatusOfException();
}

Result<std::vector<SnapshotVerdict>> VerifySnapshots(const std::string& dir, std::optional<Version> version,
                                                     const OpenOptions& options) try {
  const auto open = [&] { return OpenAt(dir, options, ContextAccess::kAlongsideWriter); };
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c, open());
  RAWKV_ASSIGN_OR_RETURN(std::vector<std::string> names, c->env.fs->List(c->paths.dir));
  // By name, so that a snapshot without MANIFEST is verified, too.
  std::erase_if(names, [&](const std::string& name) {
    const std::optional<Version> v = SnapshotStore::ParseDirName(name);
    return !v || (version && *v != *version);
  });
  std::vector<SnapshotVerdict> out;
  uint64_t done = 0;
  for (const std::string& name : names) {
    if (options.progress) options.progress({"verify", done++, names.size(), "snapshots"});
    const std::optional<Version> v = SnapshotStore::ParseDirName(name);
    RAWKV_ASSIGN_OR_RETURN(std::optional<SnapshotVerdict> verdict, VerifySnapshot(*c, *v));
    if (verdict && !verdict->errors.empty()) {
      // A writer may have removed or abandoned it meanwhile.
      RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> now, open());
      RAWKV_ASSIGN_OR_RETURN(verdict, VerifySnapshot(*now, *v));
    }
    if (verdict) out.push_back(*std::move(verdict));
  }
  if (version && out.empty()) {
    return Status::FailedPrecondition("there is no snapshot at version " + ToString(*version) +
                                      "; `rawkv-ctl snapshot list` shows them");
  }
  return out;
} catch (...) {
  return StatusOfException();
}

Result<std::vector<LogSegmentRow>> ListLog(const std::string& dir, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenAt(dir, options, ContextAccess::kAlongsideWriter));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentInfo> segments, ListSegments(c->log()));
  if (segments.empty()) return Status::Corruption(c->paths.wal() + ": the log is missing altogether");
  std::vector<LogSegmentRow> rows;
  rows.reserve(segments.size());
  for (const SegmentInfo& s : segments) {
    rows.push_back({s.path.substr(s.path.rfind('/') + 1), s.first, s.last, s.bytes, s.sealed});
  }
  return rows;
} catch (...) {
  return StatusOfException();
}

Status DumpLog(const std::string& dir, const OpenOptions& options,
               const std::function<Status(const LogRecordRow&)>& fn) try {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<StoreContext> c,
                         OpenAt(dir, options, ContextAccess::kAlongsideWriter));
  Version first;
  LogScan scan;
  RAWKV_RETURN_IF_ERROR(RetryWhileChanging(*c->env.fs, c->paths.dir, options.lock_wait_ms, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentInfo> segments, ListSegments(c->log()));
    if (segments.empty()) return Status::Corruption(c->paths.wal() + ": the log is missing altogether");
    first = segments.front().first;
    RAWKV_ASSIGN_OR_RETURN(scan, ScanGrowingLog(c->log(), first, Previous(first)));
    return Status::Ok();
  }));
  RAWKV_RETURN_IF_ERROR(DumpRecords(*c, first, scan.last, fn));
  return scan.end == LogEnd::kCorrupt ? Status::Corruption(scan.message) : Status::Ok();
} catch (...) {
  return StatusOfException();
}

std::string LibraryVersion() {
  return RAWKV_VERSION_STRING;
}

FormatNumbers SupportedFormats() {
  return {.store = kStoreFormat, .wal = kWalFormat, .device = kDeviceFormat, .snapshot = kSnapshotFormat};
}

}  // namespace rawkv
