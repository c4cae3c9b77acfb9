#include "engine/checkpoint/rebuild.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "engine/checkpoint/checkpoint_content.h"
#include "engine/format/format_store.h"
#include "engine/index/key_index.h"
#include "engine/payload/payload_io.h"
#include "engine/space/slot_allocator.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kBatchBytes = 8ull << 20;
constexpr uint64_t kFlushBytes = 64ull << 20;
constexpr uint64_t kProgressKeys = 4096;

// The checkpoint that the store is made from, with the records that describe the store.
struct Source {
  CheckpointHeader header;
  CheckpointHead head;
  int half = 0;
};

// The device of the lost directory.
struct Device {
  std::string path;
  OpenedDevice opened;
  Superblock superblock;
  std::optional<StoreRecord> record;  // of the superblock; absent if it has none
};

Result<Device> OpenDeviceOf(const RebuildOptions& o) {
  if (o.device.empty()) return Status::InvalidArgument("the device is missing; name it with --device");
  Device d;
  d.path = AbsolutePath(o.device);
  RAWKV_ASSIGN_OR_RETURN(
      d.opened,
      o.env.open_device(
          d.path, {.engine = o.engine, .cache = o.cache, .queue_depth = o.queue_depth, .writable = true}));
  Result<Superblock> superblock = SuperblockStore(*d.opened.device).Load();
  if (superblock.status().code() == StatusCode::kNotFound) {
    return Status::FailedPrecondition(d.path + " is not a rawkv device: it has no superblock");
  }
  if (!superblock.ok()) return superblock.status().WithContext(d.path);
  d.superblock = *std::move(superblock);
  if (EndOfLayout(d.superblock.layout) > d.opened.device->geometry().capacity_bytes) {
    return Status::FailedPrecondition(d.path + ": the device is smaller than the store on it");
  }
  if (d.superblock.owner_record.empty()) return d;
  RAWKV_ASSIGN_OR_RETURN(d.record, DecodeStoreRecord(d.superblock.owner_record));
  return d;
}

// Reads the whole checkpoint, and checks it against the device. Keeps its head.
Result<Source> CheckHalf(const Device& d, CheckpointRegion& region, int half,
                         const CheckpointHeader& header) {
  if (header.device_uuid != d.superblock.device_uuid || header.store_uuid != d.superblock.store_uuid) {
    return Status::FailedPrecondition("it belongs to another store, " + header.store_uuid.ToString());
  }
  Source source{.header = header, .head = {}, .half = half};
  CheckpointDecoder decoder(
      [&](const CheckpointHead& head) -> Status {
        source.head = head;
        return Status::Ok();
      },
      [](std::string_view, std::string_view) { return Status::Ok(); });
  RAWKV_RETURN_IF_ERROR(
      region.ReadContent(half, header, [&](std::string_view payload) { return decoder.AddBlock(payload); }));
  RAWKV_RETURN_IF_ERROR(decoder.Finish(header.records));
  const Version version(header.owner_version);
  if (source.head.meta.applied != version || source.head.meta.lineage != Lineage(header.owner_lineage)) {
    return Status::Corruption("its header and its content name different versions");
  }
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord own, DecodeStoreRecord(source.head.store_record));
  const StoreRecord& newest = d.record ? *d.record : own;
  if (newest.store_uuid != header.store_uuid || newest.device_uuid != header.device_uuid) {
    return Status::Corruption("the record of the store belongs to another one");
  }
  if (newest.chain.Contains(source.head.meta.lineage, version)) return source;
  return Status::FailedPrecondition("it is of version " + ToString(version) +
                                    ", which a rollback or a repair has given up");
}

// The newest whole checkpoint. Lists what is damaged, and what would be newer but was refused.
Result<Source> ChooseCheckpoint(const Device& d, RebuildReport* report) {
  CheckpointRegion region(*d.opened.device, d.superblock.layout);
  const auto found = region.Inspect();
  int newer = 0;
  if (found[1].header && (!found[0].header || found[0].header->sequence < found[1].header->sequence))
    newer = 1;
  std::string reasons;
  const auto refuse = [&](int half, const Status& why) {
    reasons += "; " + region.NameOf(half) + ": " + why.message();
    if (why.code() != StatusCode::kNotFound) report->refused.push_back({region.NameOf(half), why.message()});
  };
  // A header that is damaged may have been the newest one.
  for (const int half : {0, 1}) {
    if (const auto& [status, header] = found[static_cast<size_t>(half)]; !header) refuse(half, status);
  }
  for (const int half : {newer, 1 - newer}) {
    if (!found[static_cast<size_t>(half)].header) continue;
    Result<Source> source = CheckHalf(d, region, half, *found[static_cast<size_t>(half)].header);
    if (source.ok()) return source;
    if (source.status().refused()) return source.status();
    refuse(half, source.status());
  }
  return Status::FailedPrecondition(d.path + ": there is no whole checkpoint to rebuild the store from" +
                                    reasons +
                                    "; restore the store directory from a backup, or import an export");
}

// Fills a new index from the keys of the checkpoint.
class RebuiltIndex {
 public:
  RebuiltIndex(const RebuildOptions& options, const Device& device, const CheckpointHead& head,
               KeyIndex& index, RebuildReport* report)
      : options_(options),
        index_(index),
        payload_(*device.opened.device, device.superblock.layout, device.superblock.device_uuid),
        allocator_(index, device.superblock.layout, 0, SlotId(0)),
        expected_(head.meta),
        meta_(head.meta),
        report_(report) {
    meta_.live_extents = meta_.live_slots = meta_.taken_slots = 0;
    Begin();
  }

  Status Put(std::string_view key, std::string_view encoded) {
    RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, DecodeIndexEntry(AsBytes(encoded)));
    if (!entry.value.is_inline()) {
      const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
      RAWKV_RETURN_IF_ERROR(payload_.CheckFitsDevice(ref));
      for (const Extent& extent : ref.extents) {
        RAWKV_RETURN_IF_ERROR(txn_->Take(extent, *batch_));
        ++meta_.live_extents;
        meta_.live_slots += extent.count.value();
      }
      if (options_.verify_payload) RAWKV_RETURN_IF_ERROR(Verify(key, ref));
    }
    batch_->PutEncodedEntry(key, encoded);
    if (++report_->keys % kProgressKeys == 0 && options_.progress) {
      options_.progress({"rebuild", report_->keys, keys_total_, "keys"});
    }
    return batch_->bytes() >= kBatchBytes ? Apply() : Status::Ok();
  }

  void set_keys_total(uint64_t keys) { keys_total_ = keys; }

  // Applies the rest and flushes the index.
  Status Finish() {
    RAWKV_RETURN_IF_ERROR(Apply());
    if (meta_.live_extents != expected_.live_extents || meta_.live_slots != expected_.live_slots) {
      return Status::Corruption("the keys of the checkpoint name " + std::to_string(meta_.live_slots) +
                                " slots in " + std::to_string(meta_.live_extents) +
                                " extents, and its head " + std::to_string(expected_.live_slots) + " in " +
                                std::to_string(expected_.live_extents));
    }
    report_->slots = meta_.live_slots;
    RAWKV_RETURN_IF_ERROR(index_.StartFlush());
    return index_.WaitFlush();
  }

 private:
  void Begin() {
    batch_ = index_.NewBatch();
    txn_.emplace(allocator_.Begin());
  }

  Status Apply() {
    txn_->Finish(*batch_);
    meta_.taken_slots = meta_.live_slots;  // no history, so nothing is deferred
    batch_->PutMeta(meta_);
    RAWKV_RETURN_IF_ERROR(index_.Apply(*batch_));
    allocator_.Merge(*txn_, {}, {});
    Begin();
    if (index_.MemtableBytes() < kFlushBytes) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(index_.StartFlush());
    return index_.WaitFlush();
  }

  // Damage is reported, and the key stays. A device that cannot be read ends the rebuild.
  Status Verify(std::string_view key, const PayloadRef& ref) {
    const Status verified = payload_.Verify(key, ref);
    if (verified.code() != StatusCode::kCorruption) return verified;
    report_->damaged.push_back({std::string(key), verified.message()});
    return Status::Ok();
  }

  const RebuildOptions& options_;
  KeyIndex& index_;
  PayloadIo payload_;
  SlotAllocator allocator_;
  const MetaRecord expected_;
  MetaRecord meta_;
  RebuildReport* const report_;
  uint64_t keys_total_ = 0;
  std::unique_ptr<IndexBatch> batch_;
  std::optional<AllocationTxn> txn_;
};

Status FillIndex(const RebuildOptions& o, const Device& d, const Source& source, KeyIndex& index,
                 RebuildReport* report) {
  RebuiltIndex rebuilt(o, d, source.head, index, report);
  rebuilt.set_keys_total(source.header.records);
  CheckpointRegion region(*d.opened.device, d.superblock.layout);
  CheckpointDecoder decoder([](const CheckpointHead&) { return Status::Ok(); },
                            [&](std::string_view key, std::string_view entry) {
                              return rebuilt.Put(key, entry).WithContext(region.NameOf(source.half));
                            });
  RAWKV_RETURN_IF_ERROR(region.ReadContent(
      source.half, source.header, [&](std::string_view payload) { return decoder.AddBlock(payload); }));
  RAWKV_RETURN_IF_ERROR(decoder.Finish(source.header.records));
  return rebuilt.Finish();
}

// The record of the rebuilt store: that of the lost one, with a new branch after the checkpoint's version, as
// others may have seen the versions that are lost (invariant 4).
Result<StoreRecord> MakeRecord(const std::string& dir, const RebuildOptions& o, const Device& d,
                               const Source& source) {
  StoreRecord record;
  if (d.record) {
    record = *d.record;
  } else {
    RAWKV_ASSIGN_OR_RETURN(record, DecodeStoreRecord(source.head.store_record));
  }
  const Version version(source.header.owner_version);
  const Lineage last(d.superblock.owner_lineage);
  // The open that follows a crash before the superblock is updated looks for the superblock's branch.
  if (!record.chain.HasBranch(last)) record.chain = record.chain.Forked(last, version);
  record.chain = record.chain.Trimmed(version);
  Lineage id;
  while (id == Lineage() || record.chain.HasBranch(id)) id = Lineage(o.env.entropy->NextU64());
  record.chain = record.chain.Forked(id, version);
  // A directory from before the rebuild is older than the device from now on (invariant 14).
  record.open_generation = d.superblock.owner_open_generation + 1;
  record.reuse_floor = std::min(Version(d.superblock.owner_reuse_floor), version);
  record.closed_version = version;
  record.last_cut.reset();
  record.given_up.reset();
  record.layout = d.superblock.layout;
  record.device_hint = DeviceHintOf(*o.env.fs, dir, d.path);
  ++record.sequence;
  return record;
}

Status UpdateSuperblockOf(Device& d, const StoreRecord& record) {
  Superblock next = d.superblock;
  next.owner_lineage = record.chain.current().value();
  next.owner_open_generation = record.open_generation;
  next.owner_reuse_floor = record.reuse_floor.value();
  next.owner_record = OwnerRecordOf(record);
  return SuperblockStore(*d.opened.device).Save(next).WithContext(d.path + ": superblock");
}

// Everything from the index to STORE, in a directory that is claimed and empty.
Status MakeStore(const std::string& dir, const RebuildOptions& o, Device& d, const Source& source,
                 RebuildReport* report) {
  Fs& fs = *o.env.fs;
  const StorePaths paths(dir);
  const std::string scratch = JoinPath(dir, "rebuild.tmp");
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(scratch));
  {
    RAWKV_ASSIGN_OR_RETURN(
        const std::unique_ptr<KeyIndex> index,
        KeyIndex::Open({.dir = scratch, .create = true, .fs = o.env.index_fs, .logger = o.env.logger}));
    RAWKV_RETURN_IF_ERROR(FillIndex(o, d, source, *index, report));
  }
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord record, MakeRecord(dir, o, d, source));
  RAWKV_RETURN_IF_ERROR(MakeDirSynced(fs, paths.wal()));
  RAWKV_RETURN_IF_ERROR(CreateLog({&fs, paths.wal(), record.store_uuid, record.chain},
                                  {.segment_bytes = record.runtime.wal_segment_bytes},
                                  Next(Version(source.header.owner_version))));
  RAWKV_RETURN_IF_ERROR(PublishIndex(dir, o.env, record, scratch));
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs, scratch));
  // STORE makes the directory a store. It learns the new branch before the superblock does (invariant 15).
  RAWKV_RETURN_IF_ERROR(SaveStoreRecord(fs, dir, record));
  return UpdateSuperblockOf(d, record);
}

Result<RebuildReport> Rebuild(const std::string& store_dir, const RebuildOptions& o) {
  Fs& fs = *o.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, ResolveStoreDir(fs, store_dir));
  RAWKV_ASSIGN_OR_RETURN(Device d, OpenDeviceOf(o));
  RAWKV_RETURN_IF_ERROR(CheckDeviceName(fs, dir, d.path));
  RebuildReport report;
  RAWKV_ASSIGN_OR_RETURN(const Source source, ChooseCheckpoint(d, &report));
  report.store_uuid = source.header.store_uuid;
  report.device_uuid = source.header.device_uuid;
  report.device = d.path;
  report.version = Version(source.header.owner_version);
  report.checkpoint_unix_ms = source.header.created_unix_ms;
  report.verified = o.verify_payload;
  // Every check comes before anything is made.
  RAWKV_ASSIGN_OR_RETURN(
      const std::unique_ptr<FormatDir> claimed,
      FormatDir::Claim(fs, *o.env.clock, dir,
                       {.maker = StoreMaker::kRebuild, .force = false, .store_uuid = report.store_uuid}));
  const FileId spared = d.opened.device->geometry().file_id;
  if (claimed->store_uuid() != report.store_uuid) {
    return Status::FailedPrecondition(dir + " holds an unfinished rebuild of store " +
                                      claimed->store_uuid().ToString() + ", not of " +
                                      report.store_uuid.ToString() + "; name another directory");
  }
  const Status made = NoThrow([&]() -> Status {
    RAWKV_RETURN_IF_ERROR(claimed->Clear(spared));
    return MakeStore(dir, o, d, source, &report);
  });
  if (!made.ok()) {
    const Status undone = claimed->Abandon(spared);
    return undone.ok() ? made : made.WithContext("the cleanup failed, too, so an unfinished store is left");
  }
  claimed->Finish();
  return report;
}

}  // namespace

Result<RebuildReport> RebuildStore(const std::string& dir, const RebuildOptions& options) try {
  return Rebuild(dir, options);
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
