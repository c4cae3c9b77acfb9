#include <algorithm>

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "engine/format/format_store.h"
#include "engine/space/slot_allocator.h"
#include "engine/store/change_applier.h"
#include "engine/store/store_dir.h"
#include "engine/transfer/exporter.h"
#include "engine/transfer/transfer.h"
#include "snapshot/export_format.h"

namespace rawkv {
namespace {

constexpr uint64_t kBatchBytes = 8ull << 20;

// Fills the index and the device of a new store, key by key.
class ImportedState {
 public:
  // `commit`: the commit of the exported version; absent: the import counts as its commit.
  ImportedState(const FormatOptions& options, NewStore& store, KeyIndex& index,
                const std::optional<ExportedCommit>& commit)
      : options_(options),
        store_(store),
        index_(index),
        payload_(*store.device.device, store.superblock.layout, store.record.device_uuid),
        allocator_(index, store.superblock.layout, 0, SlotId(0)) {
    meta_.applied = store.record.initial_version;
    meta_.lineage = store.record.chain.current();
    meta_.commit_time_unix_ms = commit ? commit->time_unix_ms : options.env.clock->NowUnixMs();
    meta_.user_metadata = commit ? commit->metadata : "";
  }

  Status Put(std::string_view key, const std::string& value) {
    ChangeOp op{.kind = ChangeOp::Kind::kPut, .key = std::string(key), .end_key = {}, .value = {}};
    if (value.empty() || value.size() <= options_.inline_bytes) {
      op.value.data = value;
    } else {
      Result<std::vector<Extent>> extents = allocator_.Reserve(value.size());
      if (extents.status().code() == StatusCode::kNoSpace) {
        return Status::NoSpace("it does not fit on a device of " +
                               std::to_string(store_.device.device->geometry().capacity_bytes) + " bytes (" +
                               extents.status().message() + "); import it onto a larger one");
      }
      if (!extents.ok()) return extents.status();
      PayloadRef& ref = op.value.data.emplace<PayloadRef>(PayloadRef{.extents = *std::move(extents),
                                                                     .write_id = WriteId(next_write_id_++),
                                                                     .length = value.size(),
                                                                     .chunk_checksums = {}});
      const PayloadIo::WriteJob job{.key = key, .value = AsBytes(value), .ref = &ref};
      RAWKV_RETURN_IF_ERROR(payload_.WriteMany(std::span(&job, 1)));
    }
    pending_bytes_ += op.key.size() + std::min<uint64_t>(value.size(), 64 * 1024);
    pending_.ops.push_back(std::move(op));
    return pending_bytes_ >= kBatchBytes ? Flush() : Status::Ok();
  }

  // Applies everything that was put so far to the index.
  Status Flush() {
    const std::unique_ptr<IndexBatch> batch = index_.NewBatch();
    AllocationTxn txn = allocator_.Begin();
    pending_.user_metadata = meta_.user_metadata;
    ChangeApplier applier(*batch, txn, meta_);
    RAWKV_RETURN_IF_ERROR(applier.Apply(pending_, meta_.applied, meta_.lineage, meta_.commit_time_unix_ms));
    applier.Finish(allocator_.cursor());
    RAWKV_RETURN_IF_ERROR(index_.Apply(*batch));
    allocator_.Merge(txn, applier.taken(), {});
    meta_ = applier.meta();
    pending_ = {};
    pending_bytes_ = 0;
    if (index_.MemtableBytes() < (64u << 20)) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(index_.StartFlush());
    return index_.WaitFlush();
  }

  Status Finish() {
    RAWKV_RETURN_IF_ERROR(Flush());
    RAWKV_RETURN_IF_ERROR(store_.device.device->Flush());
    RAWKV_RETURN_IF_ERROR(index_.StartFlush());
    return index_.WaitFlush();
  }

 private:
  const FormatOptions& options_;
  NewStore& store_;
  KeyIndex& index_;
  PayloadIo payload_;
  SlotAllocator allocator_;
  MetaRecord meta_;
  ChangeSet pending_;
  uint64_t pending_bytes_ = 0;
  uint64_t next_write_id_ = 0;  // ids of open generation 0, which no later write gets
};

// Joins the fragments of values across chunks, and checks their order.
class FragmentJoiner {
 public:
  explicit FragmentJoiner(ImportedState& state) : state_(state) {}

  Status Add(const std::string& chunk, const ChunkFragment& f) {
    if (f.deletion) return Bad(chunk, "a deletion in a full export");
    if (f.offset == 0) {
      if (open_) return Bad(chunk, "a value ends before its length");
      if (started_ && f.key <= key_) return Bad(chunk, "keys are not in order");
      key_ = std::string(f.key);
      length_ = f.value_length;
      value_.clear();
      open_ = started_ = true;
      ++keys_;
    } else if (!open_ || f.key != key_ || f.value_length != length_ || f.offset != value_.size()) {
      return Bad(chunk, "a fragment does not follow the one before it");
    }
    value_.append(AsStringView(f.bytes));
    if (value_.size() > length_) return Bad(chunk, "a value is longer than its length");
    if (value_.size() < length_) return Status::Ok();
    open_ = false;
    value_bytes_ += length_;
    return state_.Put(key_, value_);
  }

  Status CheckTotals(const ExportManifest& m) const {
    if (!open_ && keys_ == m.key_count && value_bytes_ == m.value_bytes) return Status::Ok();
    return Status::Corruption("the chunks hold " + std::to_string(keys_) + " keys and " +
                              std::to_string(value_bytes_) + " value bytes, the manifest names " +
                              std::to_string(m.key_count) + " and " + std::to_string(m.value_bytes));
  }

 private:
  static Status Bad(const std::string& chunk, const char* what) {
    return Status::Corruption(chunk + ": " + what);
  }

  ImportedState& state_;
  std::string key_, value_;
  uint64_t length_ = 0, keys_ = 0, value_bytes_ = 0;
  bool open_ = false, started_ = false;
};

// The commit of the exported version from ORIGIN; absent if there is no ORIGIN, or an older one.
Result<std::optional<ExportedCommit>> LoadCommit(Fs& fs, const std::string& in, Version version) {
  const std::string path = JoinPath(in, kExportOriginName);
  const Result<std::string> file = ReadFile(fs, path, kMaxExportOriginBytes);
  if (file.status().code() == StatusCode::kNotFound) return std::optional<ExportedCommit>();
  if (!file.ok()) return file.status();
  Result<ExportOrigin> origin = DecodeExportOrigin(*file);
  if (!origin.ok()) return origin.status().WithContext(path);
  if (origin->commit && origin->commit->version != version) {
    return Status::Corruption(path + ": it belongs to an export of version " +
                              ToString(origin->commit->version) + ", not " + ToString(version));
  }
  return std::move(origin->commit);
}

Status FillFrom(const std::string& in, const ExportManifest& manifest, const ImportOptions& o,
                NewStore& store, KeyIndex& index) {
  Fs& fs = *o.format.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const std::optional<ExportedCommit> commit, LoadCommit(fs, in, manifest.version));
  ImportedState state(o.format, store, index, commit);
  FragmentJoiner joiner(state);
  uint64_t done = 0;
  for (const ExportChunk& chunk : manifest.chunks) {
    Result<std::string> file = ReadFile(fs, JoinPath(in, chunk.name), kMaxChunkBytes);
    if (file.status().code() == StatusCode::kNotFound) return Status::Corruption(chunk.name + " is missing");
    if (!file.ok()) return file.status();
    RAWKV_RETURN_IF_ERROR(
        ReadChunk(chunk, *file, [&](const ChunkFragment& f) { return joiner.Add(chunk.name, f); }));
    if (o.progress) o.progress({"import", ++done, manifest.chunks.size(), "chunks"});
  }
  RAWKV_RETURN_IF_ERROR(joiner.CheckTotals(manifest));
  return state.Finish();
}

Status PublishImported(const std::string& dir, const std::string& in, const ExportManifest& manifest,
                       const ImportOptions& o, NewStore& store) {
  Fs& fs = *o.format.env.fs;
  const std::string scratch = JoinPath(dir, "import.tmp");
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(scratch));
  {
    RAWKV_ASSIGN_OR_RETURN(
        const std::unique_ptr<KeyIndex> index,
        KeyIndex::Open(
            {.dir = scratch, .create = true, .fs = o.format.env.index_fs, .logger = o.format.env.logger}));
    RAWKV_RETURN_IF_ERROR(FillFrom(in, manifest, o, store, *index).WithContext(in));
  }
  RAWKV_RETURN_IF_ERROR(PublishIndex(dir, o.format.env, store.record, scratch));
  return RemoveTree(fs, scratch);
}

}  // namespace

Result<FormatResult> ImportStore(const std::string& store_dir, const ImportOptions& options) try {
  ImportOptions o = options;
  Fs& fs = *o.format.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, ResolveStoreDir(fs, store_dir));
  const std::string in = ResolvePath(fs, o.in);
  RAWKV_ASSIGN_OR_RETURN(const LoadedManifest loaded, LoadExportManifest(fs, in));
  const ExportManifest& manifest = loaded.manifest;
  o.format.initial_version = manifest.version;

  RAWKV_ASSIGN_OR_RETURN(NewStore store, BeginFormat(dir, o.format, StoreMaker::kImport));
  RAWKV_RETURN_IF_ERROR(
      FinishFormat(dir, o.format, store, [&] { return PublishImported(dir, in, manifest, o, store); }));
  return FormatResult{store.record.store_uuid, store.record.device_uuid, store.device_path,
                      store.record.initial_version};
} catch (...) {
  return StatusOfException();
}

Result<std::vector<ExportChunkRow>> ListExport(const std::string& export_dir, const Environment& env) try {
  RAWKV_ASSIGN_OR_RETURN(const LoadedManifest loaded,
                         LoadExportManifest(*env.fs, ResolvePath(*env.fs, export_dir)));
  std::vector<ExportChunkRow> rows;
  for (const ExportChunk& c : loaded.manifest.chunks) {
    rows.push_back({c.name, c.bytes, ToHex(c.sha256), c.first_key, c.last_key});
  }
  return rows;
} catch (...) {
  return StatusOfException();
}

}  // namespace rawkv
