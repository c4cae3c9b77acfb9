#include "engine/format/format_store.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/fs_ops.h"
#include "base/limits.h"
#include "base/resolve_path.h"
#include "blockdev/device_guard.h"
#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/index/key_index.h"
#include "engine/payload/extent_header.h"
#include "engine/store/store_context.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

Status ValidateOptions(const FormatOptions& o) {
  if (o.digest) return Status::NotSupported("a state digest for each version is not supported yet");
  if (o.inline_bytes > kMaxInlineBytes) {
    return Status::InvalidArgument("inline_bytes must be 0 … 65536, not " + std::to_string(o.inline_bytes));
  }
  if (o.initial_version.value() > (1ull << 62))
    return Status::InvalidArgument("initial_version is out of range");
  return ValidateSettings(o.runtime);
}

// A new store with its own UUIDs and lineage, and the settings of `o`.
NewStore MakeNewStore(const FormatOptions& o) {
  NewStore s;
  StoreRecord& r = s.record;
  r.store_uuid = Uuid::Generate(*o.env.entropy);
  r.device_uuid = Uuid::Generate(*o.env.entropy);
  r.initial_version = o.initial_version;
  r.slot_bytes = o.slot_bytes;
  r.header_bytes = o.header_bytes;
  r.inline_bytes = o.inline_bytes;
  r.checkpoints = o.meta_total_bytes != 0;
  r.runtime = o.runtime;
  Lineage root;
  while (root == Lineage()) root = Lineage(o.env.entropy->NextU64());
  r.chain = LineageChain({{root, Lineage(), o.initial_version}});
  s.superblock.device_uuid = r.device_uuid;
  s.superblock.owner_lineage = root.value();
  return s;
}

// Whether an interrupted format or import of this very store has written the device's superblock.
bool HoldsUnfinishedStore(const FormatOptions& o, const NewStore& s) {
  const Result<OpenedDevice> opened = o.env.open_device(s.device_path, {.writable = false});
  if (!opened.ok()) return false;
  const Result<Superblock> superblock = SuperblockStore(*opened->device).Load();
  return superblock.ok() && superblock->store_uuid == s.record.store_uuid;
}

// An interrupted format may have made a device file without its size.
Status RemoveUnsizedDeviceFile(Fs& fs, const NewStore& s) {
  const Result<FileStat> stat = fs.Stat(s.device_path);
  const bool unsized = stat.ok() && stat->kind == FileKind::kRegular && stat->size_bytes == 0;
  return unsized && s.dir->begins_again() ? fs.RemoveFile(s.device_path) : Status::Ok();
}

Status CheckCanPreallocate(const NewStore& s) {
  const DeviceKind kind = s.device.device->geometry().kind;
  if (kind != DeviceKind::kBlockDevice && kind != DeviceKind::kNvmeChar) return Status::Ok();
  return Status::InvalidArgument(s.device_path +
                                 ": only a file can be preallocated; a device has its blocks already");
}

// Opens the device, which locks it. Makes a device file if there is none.
Status PrepareDevice(const std::string& dir, const FormatOptions& o, NewStore& s) {
  RAWKV_RETURN_IF_ERROR(RemoveUnsizedDeviceFile(*o.env.fs, s));
  RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(*o.env.fs, s.device_path));
  if (exists) {
    const bool ours = s.dir->begins_again() && HoldsUnfinishedStore(o, s);
    RAWKV_RETURN_IF_ERROR(CheckDeviceMayBeFormatted(
        s.device_path, o.force || ours ? SignaturePolicy::kOverwrite : SignaturePolicy::kRefuse));
  } else {
    RAWKV_RETURN_IF_ERROR(
        PlanLayout(o.capacity_bytes, o.slot_bytes, o.header_bytes, o.meta_total_bytes).status());
    RAWKV_RETURN_IF_ERROR(o.env.create_device(s.device_path, o.capacity_bytes));
    s.made_device = true;
  }
  RAWKV_ASSIGN_OR_RETURN(s.device, o.env.open_device(s.device_path, {.writable = true}));
  RAWKV_ASSIGN_OR_RETURN(s.superblock.layout, PlanLayout(s.device.device->geometry().capacity_bytes,
                                                         o.slot_bytes, o.header_bytes, o.meta_total_bytes));
  if (o.preallocate) RAWKV_RETURN_IF_ERROR(CheckCanPreallocate(s));
  s.record.device_hint = DeviceHintOf(*o.env.fs, dir, s.device_path);
  s.record.layout = s.superblock.layout;
  s.record.sequence = 1;
  return Status::Ok();
}

// Writes zeros to all slots.
Status Preallocate(const ProgressFn& progress, NewStore& s) {
  constexpr uint64_t kTransferBytes = 256 << 10;
  constexpr size_t kTransfers = 64;  // at a time
  BlockDevice& device = *s.device.device;
  AlignedBuffer zeros(kTransferBytes);
  std::memset(zeros.data(), 0, zeros.size());
  const uint64_t end = device.geometry().capacity_bytes;
  std::vector<IoRequest> batch;
  for (uint64_t at = s.superblock.layout.slots_offset; at < end;) {
    batch.clear();
    for (; at < end && batch.size() < kTransfers; at += batch.back().buffer.size()) {
      batch.push_back({.kind = IoKind::kWrite,
                       .offset = DeviceOffset(at),
                       .buffer = zeros.bytes().first(std::min(kTransferBytes, end - at))});
    }
    RAWKV_RETURN_IF_ERROR(device.Submit(batch));
    if (progress) progress({.what = "preallocate", .done = at, .total = end, .unit = "bytes"});
  }
  return device.Flush();
}

// Removes what was made before `failure`, as far as possible. The rest stays marked as unfinished.
Status UndoFormat(Fs& fs, NewStore& s, const Status& failure) {
  const FileId device = s.device.device != nullptr ? s.device.device->geometry().file_id : FileId{};
  s.device.device.reset();
  Status undone = s.made_device ? fs.RemoveFile(s.device_path) : Status::Ok();
  if (undone.code() == StatusCode::kNotFound) undone = Status::Ok();
  if (undone.ok()) undone = s.dir->Abandon(device);
  return undone.ok() ? failure
                     : failure.WithContext("the cleanup failed, too, so an unfinished store is left");
}

// Makes the index of the empty state, which holds only a meta record.
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

// Publishes the store's first snapshot from a scratch index, like any other snapshot.
Status PublishEmptySnapshot(const std::string& dir, const FormatOptions& o, const StoreRecord& record) {
  Fs& fs = *o.env.fs;
  const std::string scratch = JoinPath(dir, "format.tmp");
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

Result<NewStore> BeginFormat(const std::string& dir, const FormatOptions& o, StoreMaker maker) {
  RAWKV_RETURN_IF_ERROR(ValidateOptions(o));
  Fs& fs = *o.env.fs;
  NewStore s = MakeNewStore(o);
  s.device_path = o.device.empty() ? StorePaths(dir).default_device() : AbsolutePath(o.device);
  RAWKV_RETURN_IF_ERROR(CheckDeviceName(fs, dir, s.device_path));
  RAWKV_ASSIGN_OR_RETURN(const bool device_there, Exists(fs, s.device_path));
  RAWKV_ASSIGN_OR_RETURN(s.dir, FormatDir::Claim(fs, *o.env.clock, dir,
                                                 {.maker = maker,
                                                  .force = o.force,
                                                  .makes_device = o.device.empty() && !device_there,
                                                  .store_uuid = s.record.store_uuid}));
  s.record.store_uuid = s.superblock.store_uuid = s.dir->store_uuid();
  // Every check comes before anything is destroyed.
  Status begun = PrepareDevice(dir, o, s);
  if (begun.ok()) begun = s.dir->Clear(s.device.device->geometry().file_id);
  if (begun.ok() && o.preallocate) begun = Preallocate(o.progress, s);
  if (!begun.ok()) return UndoFormat(fs, s, begun);
  return s;
}

Status FinishFormat(const std::string& dir, const FormatOptions& o, NewStore& s,
                    const std::function<Status()>& publish_state) {
  Fs& fs = *o.env.fs;
  const Status made = [&]() -> Status {
    const StorePaths paths(dir);
    RAWKV_RETURN_IF_ERROR(MakeDirSynced(fs, paths.wal()));
    RAWKV_RETURN_IF_ERROR(CreateLog({&fs, paths.wal(), s.record.store_uuid, s.record.chain},
                                    {.segment_bytes = s.record.runtime.wal_segment_bytes},
                                    Next(s.record.initial_version)));
    RAWKV_RETURN_IF_ERROR(publish_state());
    s.superblock.owner_record = OwnerRecordOf(s.record);
    RAWKV_RETURN_IF_ERROR(SuperblockStore(*s.device.device).Initialise(s.superblock));
    // STORE last: a directory without STORE is not a store.
    return SaveStoreRecord(fs, dir, s.record);
  }();
  if (!made.ok()) return UndoFormat(fs, s, made);
  s.dir->Finish();
  return made;
}

Result<FormatResult> FormatStore(const std::string& store_dir, const FormatOptions& options) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, ResolveStoreDir(*options.env.fs, store_dir));
  RAWKV_ASSIGN_OR_RETURN(NewStore store, BeginFormat(dir, options, StoreMaker::kFormat));
  RAWKV_RETURN_IF_ERROR(
      FinishFormat(dir, options, store, [&] { return PublishEmptySnapshot(dir, options, store.record); }));
  return FormatResult{store.record.store_uuid, store.record.device_uuid, store.device_path,
                      store.record.initial_version};
}

}  // namespace rawkv
