#include "tests/fuzz/seed_store.h"

#include <filesystem>
#include <functional>
#include <random>

#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "blockdev/checkpoint_header.h"
#include "blockdev/superblock.h"
#include "engine/checkpoint/checkpoint_content.h"
#include "engine/engine.h"
#include "engine/index/deferred_record.h"
#include "engine/index/key_index.h"
#include "engine/index/key_space.h"
#include "engine/payload/extent_header.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_file.h"
#include "engine/store/store_paths.h"
#include "engine/transfer/exporter.h"
#include "tests/support/temp_dir.h"
#include "wal/wal.h"

namespace rawkv::fuzz {
namespace {

namespace stdfs = std::filesystem;

// Gives the same identities and times in each run, so that the seeds are equal in each run, except for
// RocksDB's files.
class CountingEntropy final : public Entropy {
 public:
  uint64_t NextU64() override { return random_(); }

 private:
  std::mt19937_64 random_{1};
};

class StandingClock final : public Clock {
 public:
  uint64_t NowUnixMs() override { return 1'700'000'000'000; }
  uint64_t MonotonicNs() override { return SystemClock().MonotonicNs(); }
};

template <typename T>
T GetOrDie(Result<T> result, const char* what) {
  RAWKV_CHECK(result.ok(), (std::string(what) + ": " + result.status().ToString()).c_str());
  return std::move(result).value();
}

void GetOrDie(const Status& status, const char* what) {
  RAWKV_CHECK(status.ok(), (std::string(what) + ": " + status.ToString()).c_str());
}

std::string Content(const std::string& path) {
  return GetOrDie(ReadFile(PosixFs(), path, 64 << 20), "seed");
}

// Makes a store with a few versions, and collects its files and records as seeds.
class SeedStore {
 public:
  SeedStore(std::string dir, uint64_t header_bytes, Seeds& seeds) : paths_(std::move(dir)), seeds_(seeds) {
    env_.clock = &clock_;
    env_.entropy = &entropy_;
    env_.logger = &NullLogger();
    FormatOptions options{.capacity_bytes = 8 << 20, .header_bytes = header_bytes, .env = env_};
    options.runtime.wal_segment_bytes = 64 << 10;
    options.runtime.snapshot_interval = 0;
    GetOrDie(Engine::Format(paths_.dir, options), "format");
    Open();
  }

  void RunHistory() {
    Commit([](WriteBatch& b) { b.Put("block/1", std::string(5000, 'x')); });
    Commit([](WriteBatch& b) {
      b.Put("key", "value");
      b.Put(std::string("\x00\xff\x80", 3), "");
      b.Put("block/2", std::string(9000, 'y'));
      b.SetMetadata("height 2");
    });
    Commit([](WriteBatch&) {});
    GetOrDie(engine_->Pin("before", {}), "pin");
    Commit([](WriteBatch& b) { b.Put("block/1", std::string(3000, 'z')); });
    Commit([](WriteBatch& b) {
      b.Delete("block/2");
      b.Delete("absent");
      b.DeleteRange("k", "l");
    });
    GetOrDie(engine_->Pin("Größe 大", {}), "pin");
    KeepLease();
    CloseAndCollect();
    Open();
    Commit([](WriteBatch& b) { b.DeletePrefix(""); });
    Commit([](WriteBatch& b) { b.Put("late", std::string(1500, 'w')); });
    GetOrDie(engine_->Rollback(Version(6)), "rollback");
    Commit([](WriteBatch& b) { b.Put("other branch", "1"); });
    GetOrDie(engine_->CreateSnapshot(), "snapshot");
    KeepExport();
    CloseAndCollect();
  }

 private:
  void Open() {
    engine_ = GetOrDie(Engine::Open(paths_.dir, {.status_interval_ms = 0, .env = env_}), "open");
  }

  void Commit(const std::function<void(WriteBatch&)>& fill) {
    WriteBatch batch;
    fill(batch);
    GetOrDie(engine_->Commit(batch).status, "commit");
  }

  void Keep(const std::string& target, std::string bytes) { seeds_[target].push_back(std::move(bytes)); }

  // The LEASE exists while the view is open.
  void KeepLease() {
    const auto view = GetOrDie(engine_->OpenView(Version(4)), "view");
    for (const auto& entry : stdfs::directory_iterator(JoinPath(paths_.dir, "views"))) {
      Keep("lease", Content(entry.path() / "LEASE"));
    }
  }

  void KeepExport() {
    const std::string out = paths_.dir + ".export";
    GetOrDie(engine_->Export({.version = Version(4), .out = out}), "export");
    Keep("export_manifest", Content(JoinPath(out, kExportManifestName)));
    Keep("export_origin", Content(JoinPath(out, kExportOriginName)));
    const ExportManifest manifest =
        GetOrDie(DecodeExportManifest(Content(JoinPath(out, kExportManifestName))), "manifest");
    std::string progress =
        EncodeExportIdentity({.version = manifest.version, .chunk_bytes = manifest.chunk_bytes});
    for (const ExportChunk& chunk : manifest.chunks) progress += EncodeExportRow(chunk);
    Keep("export_progress", progress);
    Keep("export_chunk", Content(JoinPath(out, "chunk-00000000")));
  }

  void CloseAndCollect() {
    Keep("writer_status", Content(paths_.status()));
    GetOrDie(engine_->Close(), "close");
    engine_.reset();
    const std::string store = Content(paths_.store());
    Keep("store_file", store);
    Keep("store_file", InFormatOne(store));
    const StoreRecord record = GetOrDie(DecodeStoreRecord(store), "STORE");
    Keep("working_base", Content(JoinPath(paths_.working(), "BASE")));
    Keep("pins", Content(JoinPath(paths_.dir, "PINS")));
    KeepMarker(record);
    KeepSnapshots();
    KeepLog(record);
    KeepIndex();
    KeepDevice(record);
  }

  // docs/formats/store.md: format 1 lacks 64 bytes and a flag.
  static std::string InFormatOne(const std::string& store) {
    std::string payload = store.substr(kSealedHeaderBytes);
    payload.erase(128, 64);
    payload[100] = static_cast<char>(payload[100] & 3);
    return Seal({.magic = "RKVSTORE", .format = 1, .name = "STORE"}, payload);
  }

  // The marker exists only during a rollback, so that this writes one.
  void KeepMarker(const StoreRecord& record) {
    const std::string path = paths_.dir + ".ROLLBACK";
    GetOrDie(
        SaveRollbackMarker(PosixFs(), path, {Version(7), Version(6), Version(4), record.chain.current()}),
        "marker");
    Keep("rollback_marker", Content(path));
  }

  void KeepSnapshots() {
    for (const auto& entry : stdfs::directory_iterator(paths_.dir)) {
      if (!entry.path().filename().string().starts_with("snapshot-")) continue;
      Keep("snapshot_manifest", Content(entry.path() / "MANIFEST"));
    }
  }

  void KeepLog(const StoreRecord& record) {
    const WalContext context{
        .fs = &PosixFs(), .dir = paths_.wal(), .store_uuid = record.store_uuid, .chain = record.chain};
    for (const SegmentInfo& segment : GetOrDie(ListSegments(context), "log")) {
      std::string file = Content(segment.path);
      file.resize(file.find_last_not_of('\0') + 1 + 128);  // drops most of the zeros after the records
      Keep("wal_segment", std::move(file));
      GetOrDie(ReadLog(context, segment.first, segment.last,
                       [this](const LogRecord& log_record) {
                         // An empty change set has no bytes that could be mutated.
                         if (!log_record.body.empty())
                           Keep("change_set", std::string(AsStringView(log_record.body)));
                         return Status::Ok();
                       }),
               "log");
    }
  }

  void KeepIndex() {
    const auto index = GetOrDie(
        KeyIndex::Open({.dir = paths_.working_index(), .read_only = true, .logger = &NullLogger()}), "index");
    Keep("meta_record", EncodeMetaRecord(GetOrDie(index->Meta(), "meta")));
    const auto cursor = index->NewCursor("", "", index->TakeReadPoint());
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      Keep("index_entry", EncodeIndexEntry(GetOrDie(cursor->entry(), "entry")));
    }
    GetOrDie(index->ForEachPage([this](uint64_t, const AllocationPage& page) {
      Keep("allocation_page", EncodeAllocationPage(page));
      return Status::Ok();
    }),
             "pages");
    std::vector<Version> undo;
    GetOrDie(index->ForEachUndo([&](Version version) {
      undo.push_back(version);
      return true;
    }),
             "undo records");
    for (const Version version : undo) Keep("undo_record", *GetOrDie(index->Undo(version), "undo record"));
    const auto keep_deferred = [this](const IndexKey& key, const std::string& value) {
      std::string input(1, static_cast<char>(key.view().size()));
      Keep("deferred_record", input.append(key.view()).append(value));
    };
    GetOrDie(index->ForEachDeferred(Version(UINT64_MAX), {},
                                    [&](const DeferredFree& entry) {
                                      for (const DeferredFree& piece : BlockPieces(entry)) {
                                        keep_deferred(DeferredBySlotKey(piece.extent.first),
                                                      EncodeDeferredBySlot(piece));
                                        keep_deferred(DeferredByVersionKey(piece.freed, piece.extent.first),
                                                      EncodeDeferredByVersion(piece));
                                      }
                                      return true;
                                    }),
             "deferred");
  }

  void KeepCheckpoint(const StoreRecord& record) {
    const auto header = EncodeCheckpointHeader({.device_uuid = record.device_uuid,
                                                .store_uuid = record.store_uuid,
                                                .sequence = 3,
                                                .owner_lineage = record.chain.current().value(),
                                                .owner_version = 7,
                                                .created_unix_ms = 1'700'000'000'000,
                                                .records = 2,
                                                .content_bytes = 4096,
                                                .content_checksum = 1});
    Keep("checkpoint_header", std::string(AsStringView(header)));
    CheckpointEncoder content([&](std::string_view payload, CheckpointBlockWriter::Place) {
      Keep("checkpoint_content", std::string(payload));
      return Status::Ok();
    });
    MetaRecord meta;
    meta.applied = Version(7);
    meta.lineage = record.chain.current();
    IndexEntry entry{.written_by = Version(5), .value = {}};
    entry.value.data = std::string("inline");
    const bool kept = content.PutHead({.store_record = EncodeStoreRecord(record), .meta = meta}).ok() &&
                      content.PutKey("a", EncodeIndexEntry(entry)).ok() &&
                      content.PutKey("key", EncodeIndexEntry({.written_by = Version(6), .value = {}})).ok() &&
                      content.Finish().ok();
    RAWKV_CHECK(kept, "the content of a checkpoint");
  }

  void KeepDevice(const StoreRecord& record) {
    KeepCheckpoint(record);
    const std::string device = Content(paths_.default_device());
    for (const size_t copy : {0, 1}) {
      Keep("superblock", device.substr(copy * kSuperblockBytes, kSuperblockBytes));
    }
    Superblock first_format =
        GetOrDie(DecodeSuperblock(AsBytes(device).first(kSuperblockBytes)), "superblock");
    first_format.owner_record.clear();
    const auto encoded = EncodeSuperblock(first_format);
    Keep("superblock", std::string(AsStringView(encoded)));
    const DeviceLayout layout =
        GetOrDie(DecodeSuperblock(AsBytes(device).first(kSuperblockBytes)), "device").layout;
    if (record.header_bytes == 0) return;
    for (uint64_t slot = 0; slot < layout.slot_count; ++slot) {
      const std::string block = device.substr(layout.OffsetOf(SlotId(slot)).value(), record.header_bytes);
      if (DecodeExtentHeader(AsBytes(block)).ok()) Keep("extent_header", block);
    }
  }

  const StorePaths paths_;
  Seeds& seeds_;
  StandingClock clock_;
  CountingEntropy entropy_;
  Environment env_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

void AddStoreSeeds(Seeds& seeds) {
  const TempDir dir;
  SeedStore(dir.File("plain"), 0, seeds).RunHistory();
  SeedStore(dir.File("headers"), 4096, seeds).RunHistory();
}

}  // namespace rawkv::fuzz
