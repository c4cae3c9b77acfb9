#include "base/fs_ops.h"
#include "snapshot/snapshot_files.h"
#include "snapshot/snapshot_store.h"

// The `current` link: a symlink to the bare directory name, so that it stays valid if the store is moved and
// an operator can follow it.
namespace rawkv {

Result<Version> SnapshotStore::Current() const {
  const std::string path = JoinPath(store_dir_, "current");
  RAWKV_ASSIGN_OR_RETURN(const FileStat stat, fs_.Stat(path));
  if (stat.kind != FileKind::kSymlink) return Status::Corruption(path + " is not a symbolic link");
  RAWKV_ASSIGN_OR_RETURN(const std::string target, fs_.ReadLink(path));
  const std::optional<Version> version = ParseDirName(target);
  if (!version.has_value()) {
    return Status::Corruption(path + " names \"" + target + "\", which is not a snapshot");
  }
  return *version;
}

Status SnapshotStore::SetCurrent(Version version) {
  const Result<Manifest> manifest = ReadManifest(version);
  if (!manifest.ok() && manifest.status().code() == StatusCode::kNotFound) {
    return Status::FailedPrecondition(PathOf(version) + " is not published; `current` cannot name it");
  }
  if (!manifest.ok()) return manifest.status();
  RAWKV_RETURN_IF_ERROR(CheckListed(*manifest));

  // Makes the link even if `current` names the snapshot already: the earlier rename may not be durable.
  const std::string path = JoinPath(store_dir_, "current");
  const std::string tmp = path + ".tmp";
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, tmp));
  // A copy of a store that followed links has a directory here, which a rename cannot replace.
  if (const Result<FileStat> stat = fs_.Stat(path); stat.ok() && stat->kind == FileKind::kDirectory) {
    RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, path));
  }
  RAWKV_RETURN_IF_ERROR(fs_.Symlink(DirName(version), tmp));
  if (Status renamed = fs_.Rename(tmp, path); !renamed.ok()) {
    (void)fs_.RemoveFile(tmp).ok();  // Sweep removes it if this fails
    return renamed;
  }
  return fs_.SyncDir(store_dir_);
}

Status SnapshotStore::RemoveCurrent() {
  const Status removed = fs_.RemoveFile(JoinPath(store_dir_, "current"));
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  return fs_.SyncDir(store_dir_);
}

}  // namespace rawkv
