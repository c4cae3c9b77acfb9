#include <algorithm>

#include "base/fs_ops.h"
#include "snapshot/snapshot_files.h"
#include "snapshot/snapshot_store.h"

// Builds a snapshot in the staging directory and publishes it (snapshot_store.cc: S1, S3).
namespace rawkv {
namespace {

constexpr std::string_view kStagingName = "snapshot-staging.tmp";

}  // namespace

Result<Version> SnapshotStore::Publish(const SnapshotCallbacks& callbacks) {
  RAWKV_ASSIGN_OR_RETURN(const Manifest manifest, Stage(callbacks));
  RAWKV_RETURN_IF_ERROR(PublishStaged(manifest));
  return manifest.version;
}

Result<Manifest> SnapshotStore::Stage(const SnapshotCallbacks& callbacks) {
  const std::string staging = StagingPath();
  RAWKV_RETURN_IF_ERROR(FreePath(fs_, staging, logger_));  // a leftover of an interrupted Stage
  Result<Manifest> manifest = BuildStaged(staging, callbacks);
  if (manifest.ok()) return manifest;
  RemoveStaging();
  return manifest.status().WithContext("publish snapshot");
}

Status SnapshotStore::PublishStaged(const Manifest& manifest) {
  const Status status = RenameStaged(StagingPath(), manifest);
  if (status.ok()) return status;
  RemoveStaging();
  return status.WithContext("publish snapshot");
}

std::string SnapshotStore::StagingPath() const {
  return JoinPath(store_dir_, kStagingName);
}

// Frees the space if possible. The caller returns its own, earlier error.
void SnapshotStore::RemoveStaging() {
  (void)RemoveTree(fs_, StagingPath()).ok();
}

Result<Manifest> SnapshotStore::BuildStaged(const std::string& staging, const SnapshotCallbacks& callbacks) {
  const std::string index_dir = JoinPath(staging, "index");
  RAWKV_RETURN_IF_ERROR(fs_.MakeDir(staging));
  RAWKV_RETURN_IF_ERROR(fs_.MakeDir(index_dir));
  RAWKV_ASSIGN_OR_RETURN(std::vector<ManifestFile> files, callbacks.fill(index_dir));
  RAWKV_ASSIGN_OR_RETURN(const SnapshotFacts facts, callbacks.inspect(index_dir));

  Manifest manifest{.store_uuid = store_uuid_,
                    .version = facts.version,
                    .lineage = facts.lineage,
                    .created_unix_ms = clock_.NowUnixMs(),
                    .digest = facts.digest,
                    .files = std::move(files),
                    .by_log_bytes = false};
  for (ManifestFile& file : manifest.files) file.path = JoinPath("index", file.path);
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });

  // `inspect` may leave files (logs, lock files) that are not part of the snapshot.
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> unlisted,
                         FindUnlistedEntries(fs_, staging, manifest.files));
  for (const std::string& path : unlisted) {
    RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, JoinPath(staging, path)));
  }
  RAWKV_ASSIGN_OR_RETURN(const std::vector<FileProblem> problems,
                         CheckListedFiles(fs_, staging, manifest.files));
  if (!problems.empty()) return Status::Corruption(staging + ": " + problems.front().message);
  return manifest;
}

Result<SnapshotStore::Occupant> SnapshotStore::InspectOccupant(const Manifest& wanted) const {
  const Version version = wanted.version;
  const Result<Manifest> manifest = ReadManifest(version);
  Status status = manifest.ok() ? CheckListed(*manifest) : manifest.status();
  if (status.ok() && manifest->lineage != wanted.lineage) {
    status = Status::Corruption(PathOf(version) + ": belongs to lineage " + ToHex(manifest->lineage.value()) +
                                ", an abandoned branch (S3)");
  }
  if (status.ok()) return Occupant::kWhole;
  if (status.code() == StatusCode::kNotFound) return Occupant::kNone;
  // Only a damaged snapshot may be replaced, not one that cannot be read or has a newer format.
  if (status.code() != StatusCode::kCorruption) return status;

  const Result<Version> current = Current();
  if (current.ok() && *current == version) {
    // A replacement needs two renames, and a crash between them would leave `current` without its snapshot
    // (S2).
    return status.WithContext("`current` names this snapshot; move `current` to a whole one first");
  }
  // A damaged link names no snapshot, but a link that cannot be read may name this one.
  const StatusCode code = current.status().code();
  if (!current.ok() && code != StatusCode::kNotFound && code != StatusCode::kCorruption)
    return current.status();
  return Occupant::kDamaged;
}

Status SnapshotStore::RenameStaged(const std::string& staging, const Manifest& manifest) {
  RAWKV_ASSIGN_OR_RETURN(const Occupant occupant, InspectOccupant(manifest));
  if (occupant == Occupant::kWhole) {
    (void)RemoveTree(fs_, staging).ok();  // Sweep removes it if this fails
    // An earlier call may have failed between the rename and this sync.
    return fs_.SyncDir(store_dir_);
  }

  const std::string file = EncodeManifest(manifest);
  // A published MANIFEST must be readable. An invalid list from the owner gives an error, not an abort.
  if (const Result<Manifest> again = DecodeManifest(file); !again.ok() || *again != manifest) {
    return Status::Internal("the owner's list of files gives an invalid MANIFEST: " +
                            again.status().ToString());
  }
  RAWKV_RETURN_IF_ERROR(WriteFileAtomic(fs_, JoinPath(staging, "MANIFEST"), AsBytes(file)));
  RAWKV_RETURN_IF_ERROR(SyncTree(fs_, staging));

  const std::string path = PathOf(manifest.version);
  std::string aside;
  if (occupant == Occupant::kDamaged) {
    RAWKV_RETURN_IF_ERROR(
        fs_.SyncDir(store_dir_));  // S2: makes durable that `current` names another snapshot
    RAWKV_ASSIGN_OR_RETURN(aside, RenameForRemoval(manifest.version));
  }
  // A snapshot that was marked in place must be deleted before its name is free.
  RAWKV_ASSIGN_OR_RETURN(const bool taken, Exists(fs_, path));
  if (taken) RAWKV_RETURN_IF_ERROR(DeleteMarked(path));
  RAWKV_RETURN_IF_ERROR(fs_.Rename(staging, PathOf(manifest.version)));
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));
  if (!aside.empty() && aside != path) DeleteRemoved(aside);
  return {};
}

}  // namespace rawkv
