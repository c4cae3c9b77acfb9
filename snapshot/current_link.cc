#include "base/fs_ops.h"
#include "snapshot/snapshot_files.h"
#include "snapshot/snapshot_store.h"

// The `current` link: a symlink whose target is the bare directory name, so that a store can be
// moved, and an operator can follow it.
namespace rawkv {

Result<Version> SnapshotStore::Current() const {
  const std::string path = JoinPath(store_dir_, "current");
  RAWKV_ASSIGN_OR_RETURN(const FileStat stat, fs_.Stat(path));
  if (stat.kind != FileKind::kSymlink) return Status::Corruption(path + " is no symbolic link");
  RAWKV_ASSIGN_OR_RETURN(const std::string target, fs_.ReadLink(path));
  const std::optional<Version> version = ParseDirName(target);
  if (!version.has_value()) {
    return Status::Corruption(path + " leads to \"" + target + "\", which is no name of a snapshot");
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

  // Done in full even if `current` names it already: the rename that made it so may not be durable.
  const std::string path = JoinPath(store_dir_, "current");
  const std::string tmp = path + ".tmp";
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, tmp));
  // A directory, as a copy that followed links leaves one, cannot be renamed over.
  if (const Result<FileStat> stat = fs_.Stat(path); stat.ok() && stat->kind == FileKind::kDirectory) {
    RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, path));
  }
  RAWKV_RETURN_IF_ERROR(fs_.Symlink(DirName(version), tmp));
  if (Status renamed = fs_.Rename(tmp, path); !renamed.ok()) {
    (void)fs_.RemoveFile(tmp).ok();  // Sweep removes what stays
    return renamed;
  }
  return fs_.SyncDir(store_dir_);
}

Status SnapshotStore::ForgetCurrent() {
  const Status removed = fs_.RemoveFile(JoinPath(store_dir_, "current"));
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  return fs_.SyncDir(store_dir_);
}

}  // namespace rawkv
