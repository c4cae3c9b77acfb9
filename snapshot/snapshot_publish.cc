#include <algorithm>

#include "base/fs_ops.h"
#include "snapshot/snapshot_files.h"
#include "snapshot/snapshot_store.h"

// From an empty staging directory to a published snapshot (snapshot_store.cc: S1, S3).
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
  RAWKV_RETURN_IF_ERROR(FreePath(fs_, staging, logger_));  // an interrupted one's
  Result<Manifest> manifest = Fill(staging, callbacks);
  if (manifest.ok()) return manifest;
  DropStaging();
  return manifest.status().WithContext("publish snapshot");
}

Status SnapshotStore::PublishStaged(const Manifest& manifest) {
  const Status status = RenameStaged(StagingPath(), manifest);
  if (status.ok()) return status;
  DropStaging();
  return status.WithContext("publish snapshot");
}

std::string SnapshotStore::StagingPath() const {
  return JoinPath(store_dir_, kStagingName);
}

// Gives the space back where it can; the error that led here is the one that counts.
void SnapshotStore::DropStaging() {
  (void)RemoveTree(fs_, StagingPath()).ok();
}

Result<Manifest> SnapshotStore::Fill(const std::string& staging, const SnapshotCallbacks& callbacks) {
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
                    .files = std::move(files)};
  for (ManifestFile& file : manifest.files) file.path = JoinPath("index", file.path);
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });

  // What opening it left behind (logs, lock files) is no part of the snapshot.
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> unlisted,
                         UnlistedEntries(fs_, staging, manifest.files));
  for (const std::string& path : unlisted) {
    RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, JoinPath(staging, path)));
  }
  RAWKV_ASSIGN_OR_RETURN(const std::vector<FileProblem> problems,
                         ProblemsOfListedFiles(fs_, staging, manifest.files));
  if (!problems.empty()) return Status::Corruption(staging + ": " + problems.front().message);
  return manifest;
}

Result<SnapshotStore::Occupant> SnapshotStore::OccupantOf(const Manifest& wanted) const {
  const Version version = wanted.version;
  const Result<Manifest> manifest = ReadManifest(version);
  Status status = manifest.ok() ? CheckListed(*manifest) : manifest.status();
  if (status.ok() && manifest->lineage != wanted.lineage) {
    status = Status::Corruption(PathOf(version) + ": is of lineage " + ToHex(manifest->lineage.value()) +
                                ", an abandoned branch (S3)");
  }
  if (status.ok()) return Occupant::kWhole;
  if (status.code() == StatusCode::kNotFound) return Occupant::kNone;
  // Only proven damage may be moved out of the way: not a failing read, not a newer build's format.
  if (status.code() != StatusCode::kCorruption) return status;

  const Result<Version> current = Current();
  if (current.ok() && *current == version) {
    // Two renames would be needed, and a crash between them leaves `current` dangling (S2).
    return status.WithContext("`current` names this snapshot; move `current` to a whole one first");
  }
  // A link that leads nowhere names no snapshot; one that cannot be read may name this one.
  const StatusCode code = current.status().code();
  if (!current.ok() && code != StatusCode::kNotFound && code != StatusCode::kCorruption)
    return current.status();
  return Occupant::kDamaged;
}

Status SnapshotStore::RenameStaged(const std::string& staging, const Manifest& manifest) {
  RAWKV_ASSIGN_OR_RETURN(const Occupant occupant, OccupantOf(manifest));
  if (occupant == Occupant::kWhole) {
    (void)RemoveTree(fs_, staging).ok();  // rubbish now, and Sweep's if it stays
    // An earlier call may have failed after the rename and before this.
    return fs_.SyncDir(store_dir_);
  }

  const std::string file = EncodeManifest(manifest);
  // What is published must be readable; what the owner listed is not ours to abort for.
  if (const Result<Manifest> again = DecodeManifest(file); !again.ok() || *again != manifest) {
    return Status::Internal("the owner's list of files makes no valid MANIFEST: " +
                            again.status().ToString());
  }
  RAWKV_RETURN_IF_ERROR(WriteFileAtomic(fs_, JoinPath(staging, "MANIFEST"), AsBytes(file)));
  RAWKV_RETURN_IF_ERROR(SyncTree(fs_, staging));

  const std::string path = PathOf(manifest.version);
  std::string aside;
  if (occupant == Occupant::kDamaged) {
    RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));  // S2: `current` names another one, on the disk as well
    RAWKV_ASSIGN_OR_RETURN(aside, TakeAway(manifest.version));
  }
  // One that is marked in place must be gone before its name can be taken.
  RAWKV_ASSIGN_OR_RETURN(const bool taken, Exists(fs_, path));
  if (taken) RAWKV_RETURN_IF_ERROR(DeleteMarked(path));
  RAWKV_RETURN_IF_ERROR(fs_.Rename(staging, PathOf(manifest.version)));
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));
  if (!aside.empty() && aside != path) Delete(aside);
  return {};
}

}  // namespace rawkv
