#include "engine/store/store_context.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/limits.h"
#include "base/resolve_path.h"
#include "engine/index/key_index.h"
#include "engine/rocksdb/private_file_system.h"
#include "engine/store/identity_check.h"

namespace rawkv {
namespace {

constexpr uint64_t kMinMemtableBytes = 16ull << 10;    // an empty memtable has some KiB
constexpr uint64_t kMaxSmallFileBytes = 256ull << 20;  // size of an index file that is not a table

Status CheckExpectation(const char* name, std::optional<uint64_t> expected, uint64_t fixed) {
  if (!expected || *expected == fixed) return Status::Ok();
  return Status::InvalidArgument(std::string(name) + " is " + std::to_string(*expected) +
                                 " in the options, but the store was formatted with " +
                                 std::to_string(fixed));
}

Status ApplyOptions(StoreContext& c, const StoreRecord& record) {
  const OpenOptions& o = c.options;
  RAWKV_RETURN_IF_ERROR(CheckExpectation("slot_bytes", o.slot_bytes, record.slot_bytes));
  RAWKV_RETURN_IF_ERROR(CheckExpectation("inline_bytes", o.inline_bytes, record.inline_bytes));
  RAWKV_RETURN_IF_ERROR(CheckExpectation("header_bytes", o.header_bytes, record.header_bytes));
  c.runtime = Changed(record.runtime, o.settings);
  if (o.memtable_bytes < kMinMemtableBytes) {
    return Status::InvalidArgument("memtable_bytes must be at least 16 KiB, not " +
                                   std::to_string(o.memtable_bytes));
  }
  return ValidateSettings(c.runtime);
}

// Logs a warning if one of STORE and STORE-COPY is bad. The open writes both again.
void WarnOfBadFile(const StoreContext& c, const StoreFiles& files, uint64_t sequence) {
  for (const Status& file : files.status) {
    if (file.ok() || IsCopyNotMadeYet(file, sequence)) continue;
    c.env.logger->Log(LogLevel::kWarning, c.paths.dir +
                                              ": one of STORE and STORE-COPY is bad and will be "
                                              "written again from the other: " +
                                              file.message());
  }
}

// Logs a warning if a copy of the superblock is bad. The open writes both copies again.
Status WarnOfBadCopy(StoreContext& c) {
  RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair, c.superblocks->Inspect());
  for (const Status& copy : pair.status) {
    if (copy.ok()) continue;
    c.env.logger->Log(LogLevel::kWarning, c.device_path + ": one copy of the superblock is bad and will be " +
                                              "written again from the other: " + copy.message());
  }
  return Status::Ok();
}

Status OpenDevice(StoreContext& c, const StoreRecord& record, ContextAccess access) {
  const bool writable = access == ContextAccess::kWrite;
  c.device_path = DevicePathOf(record, c.paths.dir, c.options);
  if (writable) RAWKV_RETURN_IF_ERROR(CheckDeviceName(*c.env.fs, c.paths.dir, c.device_path));
  Result<OpenedDevice> device = c.env.open_device(c.device_path, {.engine = c.options.engine,
                                                                  .cache = c.options.cache,
                                                                  .queue_depth = c.options.queue_depth,
                                                                  .writable = writable});
  if (!device.ok()) {
    if (device.status().code() != StatusCode::kNotFound) return device.status();
    return Status::NotFound(c.device_path +
                            ": the store's device is missing; if it moved, name it with --device");
  }
  c.device = *std::move(device);
  c.superblocks = std::make_unique<SuperblockStore>(*c.device.device);
  Result<Superblock> superblock = c.superblocks->Load();
  if (!superblock.ok()) {
    if (superblock.status().code() != StatusCode::kNotFound) {
      return superblock.status().WithContext(c.device_path);
    }
    return Status::FailedPrecondition(c.device_path +
                                      " is not a rawkv device (no superblock); name the store's "
                                      "device with --device, or, if it is this one, run `rawkv-ctl fsck "
                                      "--repair`, which makes the superblocks from STORE");
  }
  c.AdoptSuperblock(*superblock);
  if (writable) RAWKV_RETURN_IF_ERROR(WarnOfBadCopy(c));
  RAWKV_RETURN_IF_ERROR(CheckIdentity(c, record, *superblock));
  // STORE is ahead of the superblock if a growth was interrupted between the two writes.
  return record.sequence == 0 ? Status::Ok() : c.AdoptGrowth(record.layout);
}

}  // namespace

std::string OwnerRecordOf(const StoreRecord& record) {
  StoreRecord kept = record;
  kept.device_hint.clear();  // who reads the superblock has found the device
  std::string bytes = EncodeStoreRecord(kept);
  if (bytes.size() > kMaxOwnerRecordBytes) bytes.clear();
  return bytes;
}

std::string DevicePathOf(const StoreRecord& record, const std::string& store_dir,
                         const OpenOptions& options) {
  if (!options.device.empty()) return AbsolutePath(options.device);
  const std::string& hint = record.device_hint;
  return hint.starts_with('/') ? hint : JoinPath(store_dir, hint);
}

bool IsDevice(const StoreContext& c, const std::string& path) {
  if (path == c.device_path) return true;
  if (c.device.device == nullptr) return false;
  const Result<FileStat> stat = c.env.fs->Stat(path);
  return stat.ok() && stat->id.known() && stat->id == c.device.device->geometry().file_id;
}

Status CheckDeviceName(Fs& fs, const std::string& store_dir, const std::string& device_path) {
  const std::string path = ResolvePath(fs, device_path);
  if (ParentPath(path) != store_dir || !IsStoreName(path.substr(path.rfind('/') + 1))) return Status::Ok();
  return Status::FailedPrecondition(path +
                                    ": the store itself uses this name; rename the device file, and "
                                    "name it with --device");
}

DeviceLayout StoreContext::layout() const {
  MutexLock guard(mu_);
  return layout_;
}

StoreRecord StoreContext::record() const {
  MutexLock guard(mu_);
  return record_;
}

Superblock StoreContext::superblock() const {
  MutexLock guard(mu_);
  return superblock_;
}

LineageChain StoreContext::chain() const {
  MutexLock guard(mu_);
  return record_.chain;
}

Lineage StoreContext::lineage() const {
  MutexLock guard(mu_);
  return record_.chain.current();
}

Version StoreContext::reuse_floor() const {
  MutexLock guard(mu_);
  return older_store_ ? record_.reuse_floor : Version(superblock_.owner_reuse_floor);
}

Version StoreContext::closed_version() const {
  MutexLock guard(mu_);
  return record_.closed_version.value_or(identity.initial_version);
}

Status StoreContext::SaveRecord(const StoreRecord& next) {
  return SaveWith(next, layout());
}

Status StoreContext::SaveGrowth(const DeviceLayout& grown) {
  RAWKV_RETURN_IF_ERROR(SaveWith(record(), grown));
  return AdoptGrowth(grown);
}

Status StoreContext::SaveWith(const StoreRecord& next, const DeviceLayout& layout) {
  StoreRecord saved = next;
  saved.layout = layout;
  {
    MutexLock guard(mu_);
    saved.sequence = ++last_sequence_;
    files_agree_ = false;
  }
  RAWKV_RETURN_IF_ERROR(SaveStoreRecord(*env.fs, paths.dir, saved));
  MutexLock guard(mu_);
  record_ = saved;
  files_agree_ = true;
  return Status::Ok();
}

Status StoreContext::MendStoreFiles() {
  {
    MutexLock guard(mu_);
    if (files_agree_) return Status::Ok();
  }
  return SaveRecord(record());
}

void StoreContext::AdoptFiles(const StoreFiles& files) {
  MutexLock guard(mu_);
  files_agree_ = files.agree();
}

Status StoreContext::Reload() {
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord record, LoadStoreRecord(*env.fs, paths.dir));
  if (record.store_uuid != identity.store_uuid) {
    return Status::FailedPrecondition(paths.dir + ": holds another store now; close this one and open it");
  }
  RAWKV_RETURN_IF_ERROR(device.device->FindCapacity().status());
  RAWKV_ASSIGN_OR_RETURN(const Superblock superblock, superblocks->Load());
  AdoptRecord(record);
  AdoptSuperblock(superblock);
  if (checkpoints != nullptr) checkpoints->Load();
  return record.sequence == 0 ? Status::Ok() : AdoptGrowth(record.layout);
}

Status StoreContext::ReloadLayout() {
  RAWKV_ASSIGN_OR_RETURN(const StoreRecord record, LoadStoreRecord(*env.fs, paths.dir));
  if (record.store_uuid != identity.store_uuid || record.sequence == 0) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(device.device->FindCapacity().status());
  return AdoptGrowth(record.layout);
}

Status StoreContext::AdoptGrowth(const DeviceLayout& found) {
  if (!IsGrowthOf(found, layout())) return Status::Ok();
  const uint64_t capacity = device.device->geometry().capacity_bytes;
  if (EndOfLayout(found) > capacity) {
    return Status::FailedPrecondition(device_path + ": the device is smaller than the store: it has " +
                                      std::to_string(capacity) + " bytes, and " + paths.dir + " needs " +
                                      std::to_string(EndOfLayout(found)) +
                                      "; give the device its old size again, or restore it");
  }
  MutexLock guard(mu_);
  layout_ = found;
  return Status::Ok();
}

void StoreContext::AdoptRecord(const StoreRecord& next) {
  MutexLock guard(mu_);
  record_ = next;
  last_sequence_ = std::max(last_sequence_, next.sequence);
}

void StoreContext::AdoptSuperblock(const Superblock& next) {
  MutexLock guard(mu_);
  superblock_ = next;
  if (layout_.slot_count <= next.layout.slot_count) layout_ = next.layout;
}

Status StoreContext::UpdateSuperblock(Version reuse_floor) {
  Superblock next = superblock();
  StoreRecord now = record();
  if (now.reuse_floor != reuse_floor) {
    now.reuse_floor = reuse_floor;
    RAWKV_RETURN_IF_ERROR(SaveRecord(now));
    now = record();
  }
  next.layout = layout();
  next.owner_lineage = now.chain.current().value();
  next.owner_open_generation = now.open_generation;
  next.owner_reuse_floor = reuse_floor.value();
  next.owner_record = OwnerRecordOf(now);
  RAWKV_RETURN_IF_ERROR(superblocks->Save(next).WithContext(device_path + ": superblock"));
  RAWKV_ASSIGN_OR_RETURN(next, superblocks->Load());
  AdoptSuperblock(next);
  return Status::Ok();
}

Result<std::unique_ptr<StoreContext>> OpenStoreContext(const std::string& dir, const OpenOptions& options,
                                                       ContextAccess access) {
  auto c = std::make_unique<StoreContext>(dir);
  c->env = options.env;
  c->owners_fs = options.env.fs->ForOwnerOf(dir);
  if (c->owners_fs != nullptr) {
    c->env.fs = c->owners_fs.get();
    if (c->env.index_fs == nullptr) c->env.index_fs = MakePrivateFileSystemForOwnerOf(dir);
  }
  c->options = options;
  // STORE first, so that no LOCK file is made in a directory without a store.
  StoreFiles files;
  RAWKV_ASSIGN_OR_RETURN(StoreRecord record, LoadStoreRecord(*c->env.fs, dir, &files));
  if (access == ContextAccess::kWrite || access == ContextAccess::kInspect) {
    const auto holder = access != ContextAccess::kWrite ? StoreLock::Holder::kReader
                        : options.only_look             ? StoreLock::Holder::kLooker
                                                        : StoreLock::Holder::kWriter;
    RAWKV_ASSIGN_OR_RETURN(c->lock,
                           StoreLock::Acquire(*c->env.fs, *c->env.clock, dir, holder, options.lock_wait_ms));
    // Read it again under the lock: a writer may have changed it in between.
    RAWKV_ASSIGN_OR_RETURN(record, LoadStoreRecord(*c->env.fs, dir, &files));
  }
  if (options.accept_older_store && access == ContextAccess::kWrite) {
    return Status::InvalidArgument(dir +
                                   ": an older store can only be accepted for reading; give read_only, too");
  }
  if (record.digest) return Status::NotSupported(dir + ": stores with a state digest are not supported yet");
  c->identity = {.store_uuid = record.store_uuid,
                 .device_uuid = record.device_uuid,
                 .initial_version = record.initial_version,
                 .slot_bytes = record.slot_bytes,
                 .header_bytes = record.header_bytes,
                 .inline_bytes = record.inline_bytes};
  c->AdoptRecord(record);
  c->AdoptFiles(files);
  if (access == ContextAccess::kWrite) WarnOfBadFile(*c, files, record.sequence);
  RAWKV_RETURN_IF_ERROR(ApplyOptions(*c, record));
  c->reserve = std::make_unique<Reserve>(*c->env.fs, *c->env.logger, dir, c->paths.reserve());
  c->snapshots =
      std::make_unique<SnapshotStore>(*c->env.fs, *c->env.clock, dir, record.store_uuid, *c->env.logger);
  const Status device = OpenDevice(*c, record, access);
  if (access != ContextAccess::kAlongsideWriter) RAWKV_RETURN_IF_ERROR(device);
  if (!device.ok()) c->device.device.reset();
  if (device.ok() && record.checkpoints) {
    c->checkpoints = std::make_unique<CheckpointHalves>(*c->device.device, c->layout(), record.device_uuid,
                                                        record.store_uuid);
    c->checkpoints->Load();
  }
  if (device.ok() && record.sequence == 0) {  // format 1 has no floor
    record.reuse_floor = c->reuse_floor();
    c->AdoptRecord(record);
  }
  return c;
}

bool IsOpenElsewhere(const StoreContext& c) {
  const Result<bool> locked = c.env.fs->IsLocked(c.paths.lock());
  return locked.ok() && *locked;
}

Result<std::unique_ptr<KeyIndex>> OpenIndexForReading(const Environment& env, const std::string& index_dir) {
  return KeyIndex::Open({.dir = index_dir,
                         .read_only = true,
                         .block_cache_bytes = 16 << 20,
                         .fs = env.index_fs,
                         .logger = env.logger});
}

Result<SnapshotFacts> InspectIndex(const Environment& env, const std::string& index_dir) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<KeyIndex> index, OpenIndexForReading(env, index_dir));
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index->Meta());
  return SnapshotFacts{meta.applied, meta.lineage, meta.digest};
}

FileChecksummer SnapshotChecksummer(const Environment& env) {
  return [fs = env.fs](const std::string& path, FileChecksumKind kind) -> Result<std::string> {
    if (kind == FileChecksumKind::kCrc32c) return Crc32cOfFile(*fs, path);
    RAWKV_ASSIGN_OR_RETURN(const std::string content, ReadFile(*fs, path, kMaxSmallFileBytes));
    char raw[8];
    StoreLe(raw, Xxh3(AsBytes(content)));
    return std::string(raw, sizeof(raw));
  };
}

Status WithReserve(StoreContext& context, const std::function<Status()>& work) {
  return context.reserve->With(work);
}

void RefillReserve(StoreContext& context) {
  const Status filled = context.reserve->Fill();
  if (filled.ok()) return;
  context.env.logger->Log(LogLevel::kInfo,
                          context.paths.reserve() + ": the reserve cannot be filled: " + filled.ToString());
}

Status CheckOpenedWithRoom(const StoreContext& context) {
  if (!context.without_room) return Status::Ok();
  return Status::NoSpace(context.paths.dir +
                         ": the filesystem was full when the store was opened; make room (delete keys, prune "
                         "snapshots, remove other files), then close and reopen the store");
}

Status AdmitPut(const StoreContext& context) {
  RAWKV_RETURN_IF_ERROR(CheckOpenedWithRoom(context));
  return context.reserve->AdmitPut();
}

}  // namespace rawkv
