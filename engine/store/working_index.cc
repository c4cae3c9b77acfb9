#include "engine/store/working_index.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "engine/store/replay.h"
#include "engine/undo/undo_steps.h"

namespace rawkv {
namespace {

constexpr SealedKind kBaseKind{.magic = "RKVWBASE", .format = 1, .name = "BASE", .max_payload_bytes = 4096};

std::string BasePath(const std::string& working_dir) {
  return JoinPath(working_dir, "BASE");
}

// Frees the path working/: renames the directory to the returned name, which the caller deletes. A directory
// from the lower layer of an overlay filesystem cannot be renamed. It is deleted in place, BASE first, so
// that a crash never leaves a part of it that counts as complete.
Result<std::string> FreeWorkingPath(StoreContext& c) {
  Fs& fs = *c.env.fs;
  RAWKV_ASSIGN_OR_RETURN(std::string removing, ChooseRemovingName(fs, c.paths.working()));
  const Status moved = fs.Rename(c.paths.working(), removing);
  if (moved.ok() || moved.code() == StatusCode::kNotFound) return removing;
  if (moved.code() != StatusCode::kNotSupported) return moved;
  const Status unsealed = fs.RemoveFile(BasePath(c.paths.working()));
  if (!unsealed.ok() && unsealed.code() != StatusCode::kNotFound) return unsealed;
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(c.paths.working()));
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs, c.paths.working()));
  return removing;
}

Status CheckBase(StoreContext& c, const std::string& working_dir) {
  RAWKV_ASSIGN_OR_RETURN(const std::string file, ReadFile(*c.env.fs, BasePath(working_dir), 2 * 4096));
  return CheckWorkingBase(file, c.identity.store_uuid).WithContext(BasePath(working_dir));
}

}  // namespace

std::string EncodeWorkingBase(Version base, const Uuid& store_uuid) {
  ByteWriter w;
  w.U64(base.value());
  w.Id(store_uuid);
  return Seal(kBaseKind, w.str());
}

Status CheckWorkingBase(std::string_view file, const Uuid& store_uuid) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kBaseKind, file));
  ByteReader r(payload);
  r.U64();  // the snapshot's version, which only people read
  const Uuid store = r.Id();
  if (!r.AtEnd() || store != store_uuid) return Status::Corruption("BASE names another store");
  return Status::Ok();
}

Status CheckWorkingComplete(StoreContext& c) {
  return CheckBase(c, c.paths.working());
}

Result<std::unique_ptr<KeyIndex>> OpenIndexForWriting(StoreContext& c, const std::string& index_dir,
                                                      IndexFilesGo to) {
  return KeyIndex::Open({.dir = index_dir,
                         .in_memory = to == IndexFilesGo::kToMemory,
                         .block_cache_bytes = c.options.block_cache_bytes,
                         .memtable_bytes = c.options.memtable_bytes,
                         .fs = c.env.index_fs,
                         .logger = c.env.logger});
}

Result<std::optional<WorkingIndex>> OpenWorking(StoreContext& c, std::string* why, IndexFilesGo to) {
  const auto rebuild = [&](const Status& cause) -> Result<std::optional<WorkingIndex>> {
    // A lack of memory, descriptors or room is not damage, so a rebuild would not help.
    if (cause.code() == StatusCode::kIoError || cause.code() == StatusCode::kNoSpace) return cause;
    *why = cause.ToString();
    return std::optional<WorkingIndex>();
  };
  if (Status base = CheckWorkingComplete(c); !base.ok()) return rebuild(base);
  Result<std::unique_ptr<KeyIndex>> index = OpenIndexForWriting(c, c.paths.working_index(), to);
  if (!index.ok()) return rebuild(index.status());
  Result<MetaRecord> meta = (*index)->Meta();
  if (!meta.ok()) return rebuild(meta.status());
  if (!c.chain().Contains(meta->lineage, meta->applied)) {
    return rebuild(
        Status::FailedPrecondition("its version " + ToString(meta->applied) + " is of another branch"));
  }
  return std::optional<WorkingIndex>(WorkingIndex{*std::move(index), *std::move(meta)});
}

Status CloneToWorkingNew(StoreContext& c, Version base) {
  Fs& fs = *c.env.fs;
  RAWKV_RETURN_IF_ERROR(FreePath(fs, c.paths.working_new(), *c.env.logger));
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(c.paths.working_new()));
  return CloneIndex(fs, c.snapshots->IndexPathOf(base), c.paths.working_new_index());
}

Status CloneWorkingToNew(StoreContext& c, KeyIndex* live) {
  Fs& fs = *c.env.fs;
  RAWKV_RETURN_IF_ERROR(FreePath(fs, c.paths.working_new(), *c.env.logger));
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(c.paths.working_new()));
  return CloneWorkingIndex(c, live, c.paths.working_new_index());
}

Status CloneWorkingIndex(StoreContext& c, KeyIndex* live, const std::string& to) {
  Fs& fs = *c.env.fs;
  std::unique_ptr<KeyIndex> reader;
  if (live == nullptr) {
    RAWKV_RETURN_IF_ERROR(CheckWorkingComplete(c));
    // Another process may be writing new tables. RocksDB lists those that are complete, and no other may be
    // linked: the clone would use the number of such a table again, and write into the file of both.
    RAWKV_ASSIGN_OR_RETURN(reader, KeyIndex::Open({.dir = c.paths.working_index(),
                                                   .read_only = true,
                                                   .block_cache_bytes = 1 << 20,
                                                   .fs = c.env.index_fs,
                                                   .logger = c.env.logger}));
    live = reader.get();
  }
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(to));
  RAWKV_RETURN_IF_ERROR(live->LinkInto(fs, to).status());
  return fs.SyncDir(to);
}

Result<MetaRecord> MoveIndexTo(StoreContext& c, KeyIndex& index, Version to, UndoRecords undo) {
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index.Meta());
  if (!c.chain().Contains(meta.lineage, meta.applied)) {
    return Status::FailedPrecondition("the index holds version " + ToString(meta.applied) +
                                      " of another branch");
  }
  if (meta.applied > to) {
    return UndoTo({.index = &index,
                   .slot_count = c.layout().slot_count,
                   .chain = c.chain(),
                   .progress = c.options.progress},
                  to);
  }
  const ReplayTarget target{.index = &index,
                            .slot_count = c.layout().slot_count,
                            .undo_versions = undo == UndoRecords::kForWindow ? c.runtime.undo_versions : 0,
                            .progress = c.options.progress,
                            .clock = c.env.clock,
                            .rate = &c.replay_rate,
                            .between_batches = {}};
  return ReplayInto(target, c.log(), to);
}

Status SealWorkingNew(StoreContext& c, Version base) {
  RAWKV_RETURN_IF_ERROR(WriteFileAtomic(*c.env.fs, BasePath(c.paths.working_new()),
                                        AsBytes(EncodeWorkingBase(base, c.identity.store_uuid))));
  return c.env.fs->SyncDir(c.paths.dir);
}

Result<bool> WorkingNewIsComplete(StoreContext& c) {
  const Status base = CheckBase(c, c.paths.working_new());
  if (base.ok()) return true;
  if (base.code() == StatusCode::kIoError) return base;
  return false;
}

Status SwapWorking(StoreContext& c) {
  Fs& fs = *c.env.fs;
  RAWKV_ASSIGN_OR_RETURN(const bool complete, WorkingNewIsComplete(c));
  if (!complete) return Status::Ok();
  // A rename cannot replace a directory that is not empty, so the old one is renamed first.
  RAWKV_ASSIGN_OR_RETURN(const std::string removing, FreeWorkingPath(c));
  RAWKV_RETURN_IF_ERROR(fs.Rename(c.paths.working_new(), c.paths.working()));
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(c.paths.dir));
  SweepTree(fs, removing, *c.env.logger);
  return Status::Ok();
}

}  // namespace rawkv
