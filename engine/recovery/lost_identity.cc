#include "engine/recovery/lost_identity.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "engine/index/key_index.h"
#include "engine/payload/payload_io.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/rocksdb/private_file_system.h"
#include "engine/store/store_context.h"
#include "engine/store/store_dir.h"
#include "wal/change_set.h"
#include "wal/log_salvage.h"
#include "wal/segment_header.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

constexpr size_t kPayloadsTried = 64;  // of each source, until one passes
constexpr Version kLastVersion(~uint64_t{0});

// Ends a walk that has seen enough.
Status EndWalk() {
  return Status::FailedPrecondition("the walk ends here");
}

// Counts payloads of one source until one passes its checksums.
struct PayloadProof {
  size_t tried = 0;
  std::optional<Version> good;  // the version that wrote a payload that passes
  Status unread;                // the first failed read, of the device or of a source: it proves nothing

  bool done(size_t limit) const { return good || tried >= limit; }
  void Note(const Status& status) {
    if (status.code() == StatusCode::kIoError && unread.ok()) unread = status;
  }
  Status Try(PayloadIo& payload, std::string_view key, const PayloadRef& ref, Version born) {
    ++tried;
    const Status verified = payload.Verify(key, ref);
    if (verified.refused()) return verified;
    Note(verified);
    if (verified.ok()) good = born;
    return Status::Ok();
  }
};

class Finder {
 public:
  Finder(const std::string& dir, const OpenOptions& options) : paths_(dir), options_(options) {
    env_ = options.env;
    owners_fs_ = options.env.fs->ForOwnerOf(dir);
    if (owners_fs_ == nullptr) return;
    env_.fs = owners_fs_.get();
    if (env_.index_fs == nullptr) env_.index_fs = MakePrivateFileSystemForOwnerOf(dir);
  }

  Result<std::optional<LostIdentity>> Find() {
    const Result<StoreRecord> record = LoadStoreRecord(fs(), paths_.dir);
    if (!record.ok()) return FindLostFiles(record.status());
    lost_.record = *record;
    return FindLostSuperblocks();
  }

  Status Restore() {
    RAWKV_ASSIGN_OR_RETURN(
        const std::unique_ptr<StoreLock> lock,
        StoreLock::Acquire(fs(), *env_.clock, paths_.dir, StoreLock::Holder::kWriter, options_.lock_wait_ms));
    RAWKV_ASSIGN_OR_RETURN(const std::optional<LostIdentity> lost, Find());
    if (!lost || !lost->hopeless.empty()) return Status::Ok();
    return lost->part == LostIdentity::Part::kStoreFiles ? RestoreFiles(*lost) : RestoreSuperblocks(*lost);
  }

 private:
  Fs& fs() { return *env_.fs; }

  std::optional<LostIdentity> Hopeless(std::string why) {
    lost_.hopeless = std::move(why);
    return std::move(lost_);
  }

  Result<OpenedDevice> OpenDevice(bool writable) {
    return env_.open_device(lost_.device_path, {.engine = options_.engine,
                                                .cache = options_.cache,
                                                .queue_depth = options_.queue_depth,
                                                .writable = writable});
  }

  // ---- STORE and STORE-COPY are lost; the superblock has the record.

  Result<std::optional<LostIdentity>> FindLostFiles(const Status& cause) {
    if (cause.refused()) return cause;
    if (cause.code() == StatusCode::kNotFound) {
      // Without a log, or next to the mark of an unfinished format, the directory holds no store.
      for (const std::string& mark : {paths_.importing(), paths_.formatting(), paths_.rebuilding()}) {
        RAWKV_ASSIGN_OR_RETURN(const bool marked, Exists(fs(), mark));
        if (marked) return std::optional<LostIdentity>();
      }
      RAWKV_ASSIGN_OR_RETURN(const bool log, Exists(fs(), paths_.wal()));
      if (!log) return std::optional<LostIdentity>();
    } else if (cause.code() != StatusCode::kCorruption && cause.code() != StatusCode::kIoError) {
      return std::optional<LostIdentity>();
    }
    lost_.part = LostIdentity::Part::kStoreFiles;
    lost_.where = paths_.store();
    lost_.cause = cause;
    lost_.device_path =
        DevicePathOf(StoreRecord{.device_hint = paths_.default_device()}, paths_.dir, options_);
    const Result<OpenedDevice> device = OpenDevice(false);
    if (!device.ok()) {
      if (device.status().code() != StatusCode::kNotFound) return device.status();
      return Hopeless(lost_.device_path + " is missing; name the store's device with --device");
    }
    SuperblockStore superblocks(*device->device);
    const Result<Superblock> superblock = superblocks.Load();
    if (superblock.status().code() == StatusCode::kIoError) return superblock.status();
    if (!superblock.ok()) {
      return Hopeless("the superblock that has the same record cannot be read either (" +
                      superblock.status().message() +
                      "); name the store's device with --device, restore one of "
                      "both from a backup, or import an export");
    }
    lost_.superblock = *superblock;
    return JudgeRecordOfSuperblock();
  }

  Result<std::optional<LostIdentity>> JudgeRecordOfSuperblock() {
    const Superblock& sb = lost_.superblock;
    if (sb.owner_record.empty()) {
      return Hopeless("the superblock of " + lost_.device_path +
                      " has no copy of STORE: it was written by a rawkv that made none, or the lineage chain "
                      "is too long for it; restore STORE as it was after the last open, or import an export");
    }
    Result<StoreRecord> record = DecodeStoreRecord(sb.owner_record);
    if (record.status().code() == StatusCode::kNotSupported) return record.status();
    if (!record.ok() || record->store_uuid != sb.store_uuid || record->device_uuid != sb.device_uuid ||
        record->chain.current() != Lineage(sb.owner_lineage) ||
        record->open_generation != sb.owner_open_generation) {
      return Hopeless("the copy of STORE in the superblock of " + lost_.device_path +
                      " contradicts that superblock");
    }
    lost_.record = *std::move(record);
    lost_.record.device_hint = DeviceHintOf(fs(), paths_.dir, lost_.device_path);
    lost_.trusted.push_back("the superblock of " + lost_.device_path + " (sequence " +
                            std::to_string(sb.sequence) +
                            "): identity, settings, lineage chain and open generation " +
                            std::to_string(sb.owner_open_generation));
    RAWKV_ASSIGN_OR_RETURN(const std::string contradiction, FindUnknownBranch());
    if (!contradiction.empty()) return Hopeless(contradiction);
    return std::optional<LostIdentity>(std::move(lost_));
  }

  // The device is older than the directory if a snapshot or the newest segment is of a branch that the chain
  // does not know. Names it then, and returns "" otherwise. Between the steps of a rollback, parts of the
  // branch that it leaves may still be there.
  Result<std::string> FindUnknownBranch() {
    const LineageChain& chain = lost_.record.chain;
    const Result<RollbackMarker> marker = LoadRollbackMarker(fs(), paths_.rollback_marker());
    if (marker.status().refused()) return marker.status();
    const bool rollback_under_way = marker.status().code() != StatusCode::kNotFound;
    const auto of_another_time = [&](const std::string& what, Lineage lineage) {
      return what + " is of lineage " + ToHex(lineage.value()) + ", which the chain in the superblock of " +
             lost_.device_path +
             " does not know: device and directory are of different times or stores; "
             "restore both from the same moment, or import an export";
    };
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> snapshots, Snapshots().List());
    size_t known = 0;
    for (const SnapshotInfo& s : snapshots) {
      if (chain.HasBranch(s.lineage)) {
        ++known;
      } else if (!rollback_under_way) {
        return of_another_time(Snapshots().PathOf(s.version), s.lineage);
      }
    }
    if (known != 0) {
      lost_.trusted.push_back(std::to_string(known) + (known == 1 ? " snapshot" : " snapshots") +
                              " of a lineage on that chain");
    }
    const Result<std::vector<SegmentFile>> segments = ListSegmentFiles(fs(), paths_.wal());
    if (segments.status().refused()) return segments.status();
    if (!segments.ok() || segments->empty()) return std::string();
    const std::string& newest = segments->back().path;
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Lineage> lineage, ReadSegmentLineage(newest));
    if (!lineage) return std::string();
    if (!chain.HasBranch(*lineage) && !rollback_under_way) return of_another_time(newest, *lineage);
    lost_.trusted.push_back(newest + ", of a lineage on that chain");
    return std::string();
  }

  // Absent: the header is damaged. The check of the log reports it.
  Result<std::optional<Lineage>> ReadSegmentLineage(const std::string& path) {
    std::string bytes(kSegmentHeaderBytes, '\0');
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs().Open(path, OpenMode::kRead));
    const Result<size_t> read = file->ReadAt(0, AsWritableBytes(bytes));
    if (read.status().refused()) return read.status();
    const Result<SegmentHeader> header = DecodeSegmentHeader(AsBytes(bytes), path);
    if (!header.ok() || header->store_uuid != lost_.record.store_uuid) return std::optional<Lineage>();
    return std::optional<Lineage>(header->lineage);
  }

  Status RestoreFiles(const LostIdentity& lost) {
    bool moved = false;
    for (const std::string& path : {paths_.store(), paths_.store_copy()}) {
      RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(fs(), path));
      if (!there) continue;
      RAWKV_ASSIGN_OR_RETURN(const std::string aside, ChooseAsideName(fs(), path));
      RAWKV_RETURN_IF_ERROR(fs().Rename(path, aside));
      moved = true;
    }
    if (moved) RAWKV_RETURN_IF_ERROR(fs().SyncDir(paths_.dir));
    StoreRecord record = lost.record;
    record.reuse_floor = Version(lost.superblock.owner_reuse_floor);
    record.layout = lost.superblock.layout;
    ++record.sequence;
    return SaveStoreRecord(fs(), paths_.dir, record);
  }

  // ---- Both superblocks are lost; STORE has the record.

  Result<std::optional<LostIdentity>> FindLostSuperblocks() {
    lost_.part = LostIdentity::Part::kSuperblocks;
    lost_.device_path = lost_.where = DevicePathOf(lost_.record, paths_.dir, options_);
    RAWKV_ASSIGN_OR_RETURN(const OpenedDevice device, OpenDevice(false));
    RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair, SuperblockStore(*device.device).Inspect());
    for (const Status& copy : pair.status) {
      if (copy.refused()) return copy;
      if (copy.ok() || copy.code() == StatusCode::kNotSupported) return std::optional<LostIdentity>();
    }
    const bool bears_magic =
        pair.status[0].code() != StatusCode::kNotFound || pair.status[1].code() != StatusCode::kNotFound;
    lost_.cause =
        Status(StatusCode::kCorruption, pair.status[0].message() + "; and " + pair.status[1].message());
    return JudgeRecordOfStore(*device.device, bears_magic);
  }

  Result<std::optional<LostIdentity>> JudgeRecordOfStore(BlockDevice& device, bool bears_magic) {
    const StoreRecord& r = lost_.record;
    if (r.sequence == 0) {
      return Hopeless(
          "STORE is of format 1, which does not have the layout of the device and the reuse floor; "
          "restore the device as it was, or import an export");
    }
    if (EndOfLayout(r.layout) > device.geometry().capacity_bytes) {
      return Hopeless(lost_.device_path + " has " + std::to_string(device.geometry().capacity_bytes) +
                      " bytes, and the store's device has at least " + std::to_string(EndOfLayout(r.layout)) +
                      "; name the right one with --device");
    }
    lost_.superblock = {.device_uuid = r.device_uuid,
                        .store_uuid = r.store_uuid,
                        .layout = r.layout,
                        .owner_lineage = r.chain.current().value(),
                        .owner_reuse_floor = r.reuse_floor.value(),
                        .owner_open_generation = r.open_generation,
                        .owner_record = OwnerRecordOf(r)};
    lost_.trusted.push_back(paths_.store() + " (sequence " + std::to_string(r.sequence) +
                            "): identity, layout of the device, open generation " +
                            std::to_string(r.open_generation) + " and reuse floor " +
                            ToString(r.reuse_floor));
    PayloadIo payload(device, r.layout, r.device_uuid);
    PayloadProof proof;
    RAWKV_RETURN_IF_ERROR(TryLoggedPayloads(payload, &proof));
    if (!proof.good) RAWKV_RETURN_IF_ERROR(TrySnapshotPayloads(payload, &proof));
    if (proof.good) {
      lost_.trusted.push_back("a payload that version " + ToString(*proof.good) +
                              " wrote: it passes its checksums there, so this is the store's device");
      return std::optional<LostIdentity>(std::move(lost_));
    }
    RAWKV_RETURN_IF_ERROR(proof.unread);
    if (proof.tried != 0) {
      return Hopeless("none of " + std::to_string(proof.tried) + " payloads passes its checksums on " +
                      lost_.device_path +
                      ": it is another device, or its content is lost; name the right one "
                      "with --device, restore it, or import an export");
    }
    // The store has no payload that could show which device is its own.
    if (bears_magic || !r.device_hint.starts_with('/')) {
      lost_.trusted.push_back(lost_.device_path + (bears_magic ? ": it has the mark of a rawkv device"
                                                               : ": it lies in the store's directory"));
      return std::optional<LostIdentity>(std::move(lost_));
    }
    return Hopeless("nothing shows that " + lost_.device_path +
                    " is the store's device: it has no superblock, and the store has no payload; restore the "
                    "device, or import an export");
  }

  SnapshotStore Snapshots() {
    return SnapshotStore(fs(), *env_.clock, paths_.dir, lost_.record.store_uuid, *env_.logger);
  }

  // The newest payloads are in the log. Damage of log or snapshots only makes the proof weaker.
  Status TryLoggedPayloads(PayloadIo& payload, PayloadProof* proof) {
    const Result<std::vector<SegmentFile>> segments = ListSegmentFiles(fs(), paths_.wal());
    proof->Note(segments.status());
    if (!segments.ok() || segments->empty()) return Status::Ok();
    Status refused;
    const WalContext log{&fs(), paths_.wal(), lost_.record.store_uuid, lost_.record.chain};
    const auto try_record = [&](const LogRecord& record) -> Status {
      const Result<ChangeSet> changes = DecodeChangeSet(record.body);
      if (!changes.ok()) return EndWalk();
      for (const KeptPayload& kept : KeptPayloads(*changes)) {
        if (proof->done(kPayloadsTried)) return EndWalk();
        refused = proof->Try(payload, *kept.key, *kept.ref, record.head.version);
        if (!refused.ok()) return EndWalk();
      }
      return Status::Ok();
    };
    for (auto s = segments->rbegin(); s != segments->rend() && refused.ok(); ++s) {
      if (proof->done(kPayloadsTried)) break;
      const Status read = ReadIntactRecords(log, s->first, kLastVersion, try_record).status();
      proof->Note(read);
    }
    return refused;
  }

  Status TrySnapshotPayloads(PayloadIo& payload, PayloadProof* proof) {
    const SnapshotStore store = Snapshots();
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotInfo> snapshots, store.List());
    const size_t limit = proof->tried + kPayloadsTried;
    for (auto s = snapshots.rbegin(); s != snapshots.rend() && !proof->done(limit); ++s) {
      const Result<std::unique_ptr<KeyIndex>> index = KeyIndex::Open({.dir = store.IndexPathOf(s->version),
                                                                      .read_only = true,
                                                                      .block_cache_bytes = 16 << 20,
                                                                      .fs = env_.index_fs,
                                                                      .logger = env_.logger});
      proof->Note(index.status());
      if (!index.ok()) continue;
      const std::unique_ptr<IndexCursor> cursor = (*index)->NewCursor("", "", nullptr);
      for (cursor->SeekToFirst(); cursor->Valid() && !proof->done(limit); cursor->Next()) {
        const Result<IndexEntry> entry = cursor->entry();
        if (!entry.ok() || entry->value.is_inline()) continue;
        RAWKV_RETURN_IF_ERROR(
            proof->Try(payload, cursor->key(), std::get<PayloadRef>(entry->value.data), entry->written_by));
      }
      proof->Note(cursor->status());
    }
    return Status::Ok();
  }

  Status RestoreSuperblocks(const LostIdentity& lost) {
    lost_ = lost;
    RAWKV_ASSIGN_OR_RETURN(const OpenedDevice device, OpenDevice(true));
    return SuperblockStore(*device.device).Initialise(lost.superblock);
  }

  const StorePaths paths_;
  const OpenOptions& options_;
  std::unique_ptr<Fs> owners_fs_;
  Environment env_;
  LostIdentity lost_;
};

}  // namespace

Result<LostIdentity> FindLostIdentity(const std::string& store_dir, const OpenOptions& options,
                                      const Status& open_error) {
  const StatusCode code = open_error.code();
  const bool may_be_loss = code == StatusCode::kCorruption || code == StatusCode::kNotFound ||
                           code == StatusCode::kFailedPrecondition || code == StatusCode::kIoError;
  if (open_error.refused() || !may_be_loss) return open_error;
  Result<std::optional<LostIdentity>> found = Finder(store_dir, options).Find();
  if (!found.ok()) return found.status().code() == StatusCode::kIoError ? found.status() : open_error;
  if (*found && ((*found)->hopeless.empty() || code == StatusCode::kCorruption)) return **std::move(found);
  if (*found) return Status(code, open_error.message() + "; " + (*found)->hopeless);
  if (code != StatusCode::kCorruption) return open_error;
  // STORE is whole, and so is a superblock, but they or the device contradict each other.
  LostIdentity other{.part = LostIdentity::Part::kSuperblocks, .cause = open_error};
  const Result<StoreRecord> record = LoadStoreRecord(*options.env.fs, store_dir);
  if (record.ok()) other.where = DevicePathOf(*record, store_dir, options);
  other.hopeless =
      "restore STORE and device as they were after the last open, or import an export; see docs/repair.md";
  return other;
}

Status RestoreIdentity(const std::string& store_dir, const OpenOptions& options) {
  return Finder(store_dir, options).Restore();
}

}  // namespace rawkv
