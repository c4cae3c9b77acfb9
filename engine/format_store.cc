#include "engine/format_store.h"

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "blockdev/device_guard.h"
#include "engine/engine.h"
#include "engine/extent_header.h"
#include "engine/index/key_index.h"
#include "engine/store_context.h"
#include "engine/store_dir.h"

namespace rawkv {
namespace {

Status ValidateOptions(const FormatOptions& o) {
  if (o.digest) return Status::NotSupported("a state digest a version is not supported yet");
  if (o.inline_bytes > 64 * 1024) {
    return Status::InvalidArgument("inline_bytes must be 0 … 65536, not " + std::to_string(o.inline_bytes));
  }
  if (o.initial_version.value() > (1ull << 62))
    return Status::InvalidArgument("initial_version is out of range");
  return ValidateRuntime(o.runtime);
}

enum class DirState : uint8_t { kAbsent, kEmpty, kOldStore };

// Absent, empty, or (with force) an older store or unfinished import. Changes nothing.
Result<DirState> JudgeDir(const std::string& dir, const FormatOptions& o) {
  Fs& fs = *o.env.fs;
  const Result<FileStat> stat = fs.Stat(dir);
  if (stat.status().code() == StatusCode::kNotFound) return DirState::kAbsent;
  if (!stat.ok()) return stat.status();
  if (stat->kind != FileKind::kDirectory) return Status::FailedPrecondition(dir + " is not a directory");
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  if (names.empty()) return DirState::kEmpty;
  const StorePaths paths(dir);
  RAWKV_ASSIGN_OR_RETURN(const bool store, Exists(fs, paths.store()));
  RAWKV_ASSIGN_OR_RETURN(const bool import, Exists(fs, paths.importing()));
  if (!store && !import)
    return Status::FailedPrecondition(dir + " is not empty and no store; name another directory");
  if (!o.force) {
    return Status::FailedPrecondition(dir +
                                      (store ? " holds a store already" : " holds an unfinished import") +
                                      "; use --force to destroy it");
  }
  return DirState::kOldStore;
}

// STORE goes first: from then on a crash leaves no store rather than half of one.
Status DestroyOldStore(const std::string& dir, const FormatOptions& o) {
  Fs& fs = *o.env.fs;
  const StorePaths paths(dir);
  for (const std::string& file : {paths.store(), paths.importing()}) {
    const Status removed = fs.RemoveFile(file);
    if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  }
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(dir));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    // The device may be here under a name of the user's choice; only our own names go.
    const bool ours = name == "wal" || name.starts_with("working") || name.starts_with("snapshot-") ||
                      name == "views" || name == "PINS" || name == "ROLLBACK" || name == "reserve" ||
                      name.starts_with("current") || name.ends_with(".tmp") || name.ends_with(".removing");
    if (ours) RAWKV_RETURN_IF_ERROR(RemoveTree(fs, JoinPath(dir, name)));
  }
  return Status::Ok();
}

// Opens (and so locks) the device, making the default file if there is none.
Status PrepareDevice(const std::string& dir, const FormatOptions& o, NewStore& s, bool* made_file) {
  s.device_path = o.device.empty() ? StorePaths(dir).default_device() : AbsolutePath(o.device);
  RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(*o.env.fs, s.device_path));
  if (exists) {
    RAWKV_RETURN_IF_ERROR(CheckDeviceMayBeFormatted(
        s.device_path, o.force ? SignaturePolicy::kOverwrite : SignaturePolicy::kRefuse));
  } else {
    RAWKV_RETURN_IF_ERROR(PlanLayout(o.capacity_bytes, o.slot_bytes, o.header_bytes).status());
    RAWKV_RETURN_IF_ERROR(o.env.create_device(s.device_path, o.capacity_bytes));
    *made_file = true;
  }
  RAWKV_ASSIGN_OR_RETURN(s.device, o.env.open_device(s.device_path, {.writable = true}));
  RAWKV_ASSIGN_OR_RETURN(s.superblock.layout, PlanLayout(s.device.device->geometry().capacity_bytes,
                                                         o.slot_bytes, o.header_bytes));
  s.record.device_hint = DeviceHintOf(*o.env.fs, dir, s.device_path);
  return Status::Ok();
}

// The empty state's index: only a meta record.
Status FillEmptyIndex(const FormatOptions& o, const StoreRecord& record, const std::string& index_dir) {
  RAWKV_ASSIGN_OR_RETURN(
      const std::unique_ptr<KeyIndex> index,
      KeyIndex::Open({.dir = index_dir, .create = true, .fs = o.env.index_fs, .logger = o.env.logger}));
  const std::unique_ptr<IndexBatch> batch = index->NewBatch();
  MetaRecord meta;
  meta.applied = record.initial_version;
  meta.lineage = record.chain.current();
  meta.commit_time_unix_ms = o.env.clock->NowUnixMs();
  batch->PutMeta(meta);
  RAWKV_RETURN_IF_ERROR(index->Apply(*batch));
  RAWKV_RETURN_IF_ERROR(index->StartFlush());
  return index->WaitFlush();
}

// The base snapshot, made through a scratch index so that it is published like any other.
Status PublishEmptySnapshot(const std::string& dir, const FormatOptions& o, const StoreRecord& record) {
  Fs& fs = *o.env.fs;
  const std::string scratch = JoinPath(dir, "format.tmp");
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs, scratch));
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(scratch));
  RAWKV_RETURN_IF_ERROR(FillEmptyIndex(o, record, scratch));
  RAWKV_RETURN_IF_ERROR(PublishIndex(dir, o.env, record, scratch));
  return RemoveTree(fs, scratch);
}

}  // namespace

Status PublishIndex(const std::string& dir, const Environment& env, const StoreRecord& record,
                    const std::string& index_dir) {
  SnapshotStore snapshots(*env.fs, *env.clock, dir, record.store_uuid);
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index,
                         KeyIndex::Open({.dir = index_dir, .fs = env.index_fs, .logger = env.logger}));
  RAWKV_ASSIGN_OR_RETURN(const Version version, snapshots.Publish(IndexCallbacks(env, *index)));
  return snapshots.SetCurrent(version);
}

SnapshotCallbacks IndexCallbacks(const Environment& env, KeyIndex& index) {
  return {.fill = [&env, &index](const std::string& to) -> Result<std::vector<ManifestFile>> {
            RAWKV_ASSIGN_OR_RETURN(const std::vector<LinkedFile> files, index.LinkInto(*env.fs, to));
            std::vector<ManifestFile> out;
            for (const LinkedFile& f : files) {
              ManifestFile row{
                  .path = f.name,
                  .size_bytes = f.size_bytes,
                  .checksum_kind = f.is_sst ? FileChecksumKind::kCrc32c : FileChecksumKind::kXxh3,
                  .checksum = f.crc32c};
              if (!f.is_sst) {
                RAWKV_ASSIGN_OR_RETURN(row.checksum,
                                       SnapshotChecksummer(env)(JoinPath(to, f.name), row.checksum_kind));
              }
              out.push_back(std::move(row));
            }
            return out;
          },
          .inspect = [&env](const std::string& index_dir) { return InspectIndex(env, index_dir); }};
}

Result<NewStore> BeginFormat(const std::string& dir, const FormatOptions& o) {
  RAWKV_RETURN_IF_ERROR(ValidateOptions(o));
  NewStore s;
  StoreRecord& r = s.record;
  r.store_uuid = Uuid::Generate(*o.env.entropy);
  r.device_uuid = Uuid::Generate(*o.env.entropy);
  r.initial_version = o.initial_version;
  r.slot_bytes = o.slot_bytes;
  r.header_bytes = o.header_bytes;
  r.inline_bytes = o.inline_bytes;
  r.runtime = o.runtime;
  Lineage root;
  while (root == Lineage()) root = Lineage(o.env.entropy->NextU64());
  r.chain = LineageChain({{root, Lineage(), o.initial_version}});
  s.superblock.device_uuid = r.device_uuid;
  s.superblock.store_uuid = r.store_uuid;
  s.superblock.owner_lineage = root.value();

  // All that can refuse comes before the first thing is destroyed; what was made for it goes again.
  Fs& fs = *o.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const DirState state, JudgeDir(dir, o));
  std::unique_ptr<StoreLock> old_lock;
  if (state == DirState::kOldStore) {
    RAWKV_ASSIGN_OR_RETURN(old_lock, StoreLock::Acquire(fs, *o.env.clock, dir));
  }
  if (state == DirState::kAbsent) RAWKV_RETURN_IF_ERROR(MakeDirSynced(fs, dir));
  bool made_file = false;
  const Status prepared = PrepareDevice(dir, o, s, &made_file);
  if (!prepared.ok()) {
    if (made_file) (void)fs.RemoveFile(s.device_path);
    if (state == DirState::kAbsent) (void)fs.RemoveDir(dir);
    return prepared;
  }
  if (state == DirState::kOldStore) RAWKV_RETURN_IF_ERROR(DestroyOldStore(dir, o));
  return s;
}

Status FinishFormat(const std::string& dir, const FormatOptions& o, NewStore& s,
                    const std::function<Status()>& publish_state) {
  Fs& fs = *o.env.fs;
  const StorePaths paths(dir);
  RAWKV_RETURN_IF_ERROR(MakeDirSynced(fs, paths.wal()));
  RAWKV_RETURN_IF_ERROR(CreateLog({&fs, paths.wal(), s.record.store_uuid, s.record.chain},
                                  {.segment_bytes = s.record.runtime.wal_segment_bytes},
                                  Next(s.record.initial_version)));
  RAWKV_RETURN_IF_ERROR(publish_state());
  RAWKV_RETURN_IF_ERROR(SuperblockStore(*s.device.device).Initialise(s.superblock));
  // STORE last: a directory without it is no store.
  return SaveStoreRecord(fs, dir, s.record);
}

Result<FormatResult> Engine::Format(const std::string& store_dir, const FormatOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, ResolveStoreDir(*options.env.fs, store_dir));
  RAWKV_ASSIGN_OR_RETURN(NewStore store, BeginFormat(dir, options));
  RAWKV_RETURN_IF_ERROR(
      FinishFormat(dir, options, store, [&] { return PublishEmptySnapshot(dir, options, store.record); }));
  return FormatResult{store.record.store_uuid, store.record.device_uuid, store.device_path,
                      store.record.initial_version};
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
