#include "snapshot/snapshot_store.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "base/fs_ops.h"
#include "snapshot/snapshot_files.h"

// Keeps invariant 5, in numbered parts that the tests cite:
//
//   S1  A name snapshot-<20 digits> appears by one rename of a directory whose files and entries are all
//   synced. It
//       disappears by one rename to ….removing. Between the two nothing in the directory changes. On a
//       filesystem that cannot rename the directory (a lower layer of an overlay) the MANIFEST is renamed to
//       MANIFEST.removing and synced instead. That file is deleted last, so that no reader takes the rest for
//       a damaged snapshot.
//   S2  `current` changes only by a rename, and then names a published snapshot. That snapshot is never
//   renamed or
//       removed. The rule also holds for the link on the disk: after a failed sync the disk may hold an older
//       link, so the directory is synced before a snapshot is renamed.
//   S3  A whole snapshot is never removed to make room for another one of the same version and lineage. One
//   of another
//       lineage may be removed: a version belongs to one lineage of the chain, so a snapshot of the same
//       version but of another lineage belongs to an abandoned branch.
//   S4  Files are deleted only after the rename of their snapshot is durable. Otherwise a crash could restore
//   the name
//       with only some of its files.
//
// snapshot_publish.cc builds and publishes, snapshot_check.cc verifies, current_link.cc handles `current`.
namespace rawkv {
namespace {

constexpr std::string_view kPrefix = "snapshot-";
constexpr size_t kDigits = 20;  // 2^64 - 1 has 20 digits
constexpr std::string_view kRemovingSuffix = ".removing";
constexpr std::string_view kManifestName = "MANIFEST";
constexpr std::string_view kMarkName = "MANIFEST.removing";

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

// Names that only this class makes and that are leftovers after a crash: "snapshot-staging.tmp",
// "snapshot-<v>.tmp", "current.tmp", and, for all but the last, "….removing" and "….<n>.removing".
bool SnapshotStore::IsSweptName(std::string_view name) {
  constexpr std::string_view kStaging = "snapshot-staging.tmp";
  if (name == "current.tmp" || name == kStaging) return true;
  if (name.starts_with(kStaging) && name.ends_with(kRemovingSuffix)) return true;
  const std::string_view stem = name.substr(0, kPrefix.size() + kDigits);
  if (!SnapshotStore::ParseDirName(stem).has_value()) return false;
  std::string_view rest = name.substr(stem.size());
  if (rest == ".tmp" || rest == kRemovingSuffix) return true;
  if (!rest.starts_with('.') || !rest.ends_with(kRemovingSuffix)) return false;
  rest.remove_prefix(1);
  return rest.size() > kRemovingSuffix.size() &&
         IsDigits(rest.substr(0, rest.size() - kRemovingSuffix.size()));
}

SnapshotStore::SnapshotStore(Fs& fs, Clock& clock, std::string store_dir, Uuid store_uuid, Logger& logger)
    : fs_(fs), clock_(clock), store_dir_(std::move(store_dir)), store_uuid_(store_uuid), logger_(logger) {}

std::string SnapshotStore::DirName(Version version) {
  std::array<char, kPrefix.size() + kDigits + 1> name{};
  std::snprintf(name.data(), name.size(), "snapshot-%020llu",
                static_cast<unsigned long long>(version.value()));
  return name.data();
}

std::optional<Version> SnapshotStore::ParseDirName(std::string_view name) {
  if (name.size() != kPrefix.size() + kDigits || !name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  if (!IsDigits(digits)) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return Version(value);
}

std::string SnapshotStore::PathOf(Version version) const {
  return JoinPath(store_dir_, DirName(version));
}

std::string SnapshotStore::IndexPathOf(Version version) const {
  return JoinPath(PathOf(version), "index");
}

Result<std::vector<SnapshotInfo>> SnapshotStore::List(std::vector<std::string>* damaged,
                                                      Status* unread) const {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(store_dir_));
  // A damaged link marks no snapshot; Current() reports the damage.
  const Result<Version> current = Current();
  std::vector<SnapshotInfo> snapshots;
  for (const std::string& name : names) {
    const std::optional<Version> version = ParseDirName(name);
    if (!version.has_value()) continue;
    const Result<Manifest> manifest = ReadManifest(*version);
    if (!manifest.ok()) {
      // kNotFound: a concurrent writer has just removed the snapshot. Every other error counts as damage,
      // also a failed read, so that one bad sector does not hide the good snapshots.
      if (manifest.status().code() != StatusCode::kNotFound && damaged != nullptr) damaged->push_back(name);
      if (manifest.status().code() == StatusCode::kIoError && unread != nullptr && unread->ok()) {
        *unread = manifest.status();
      }
      continue;
    }
    SnapshotInfo info{.version = *version,
                      .lineage = manifest->lineage,
                      .created_unix_ms = manifest->created_unix_ms,
                      .file_count = manifest->files.size(),
                      .total_bytes = 0,
                      .current = current.ok() && *current == *version,
                      .by_log_bytes = manifest->by_log_bytes};
    for (const ManifestFile& file : manifest->files) info.total_bytes += file.size_bytes;
    snapshots.push_back(info);
  }
  return snapshots;  // ascending, since the names are sorted and have one length
}

Result<Manifest> SnapshotStore::ReadManifest(Version version) const {
  const std::string dir = PathOf(version);
  RAWKV_ASSIGN_OR_RETURN(const FileStat dir_stat, fs_.Stat(dir));
  if (dir_stat.kind != FileKind::kDirectory) return Status::Corruption(dir + " is not a directory");

  const std::string path = JoinPath(dir, kManifestName);
  const Result<FileStat> file_stat = fs_.Stat(path);
  if (!file_stat.ok() && file_stat.status().code() == StatusCode::kNotFound) {
    // A writer may have removed the whole snapshot since the first stat. That is not damage.
    RAWKV_RETURN_IF_ERROR(fs_.Stat(dir).status());
    RAWKV_ASSIGN_OR_RETURN(const bool marked, IsMarked(dir));
    if (marked) return Status::NotFound(dir + ": is being removed");
    return Status::Corruption(path + " is missing");
  }
  if (!file_stat.ok()) return file_stat.status();
  if (file_stat->kind != FileKind::kRegular) return Status::Corruption(path + " is not a regular file");

  RAWKV_ASSIGN_OR_RETURN(const std::string file, ReadFile(fs_, path, kMaxSnapshotManifestBytes));
  Result<Manifest> manifest = DecodeManifest(file);
  if (!manifest.ok()) return manifest.status().WithContext(path);
  if (manifest->version != version) {
    return Status::Corruption(path + ": belongs to version " + ToString(manifest->version));
  }
  if (manifest->store_uuid != store_uuid_) {
    return Status::Corruption(path + ": belongs to store " + manifest->store_uuid.ToString() + ", not to " +
                              store_uuid_.ToString());
  }
  return manifest;
}

Status SnapshotStore::CheckRemovable(Version version) const {
  const Result<Version> current = Current();
  if (current.ok() && *current == version) {
    return Status::FailedPrecondition(PathOf(version) + ": `current` names it; move `current` first");
  }
  // If the link cannot be read, it may name any snapshot.
  if (!current.ok() && current.status().code() != StatusCode::kNotFound) return current.status();
  return fs_.SyncDir(store_dir_);
}

Result<std::string> SnapshotStore::MoveAside(Version version) {
  RAWKV_RETURN_IF_ERROR(CheckRemovable(version));
  RAWKV_ASSIGN_OR_RETURN(const std::string aside, ChooseAsideName(fs_, PathOf(version)));
  RAWKV_RETURN_IF_ERROR(fs_.Rename(PathOf(version), aside));
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));
  return aside;
}

// For a directory without MANIFEST: whether its removal has begun (S1). A crash between the last two steps of
// a removal leaves an empty directory.
Result<bool> SnapshotStore::IsMarked(const std::string& dir) const {
  const Result<std::vector<std::string>> names = fs_.List(dir);
  if (!names.ok()) return names.status();
  return names->empty() || std::find(names->begin(), names->end(), kMarkName) != names->end();
}

Result<std::string> SnapshotStore::RenameForRemoval(Version version) {
  const std::string path = PathOf(version);
  RAWKV_ASSIGN_OR_RETURN(const std::string removing, ChooseRemovingName(fs_, path));
  const Status renamed = fs_.Rename(path, removing);
  if (renamed.ok()) {
    RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));
    return removing;
  }
  if (!renamed.refused() && renamed.code() != StatusCode::kNotSupported) return renamed;
  const std::string mark = JoinPath(path, kMarkName);
  Status marked = fs_.Rename(JoinPath(path, kManifestName), mark);
  if (marked.code() == StatusCode::kNotFound) marked = fs_.Open(mark, OpenMode::kCreate).status();
  RAWKV_RETURN_IF_ERROR(marked);
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(path));
  return path;
}

Status SnapshotStore::MarkRemoved(Version version) {
  RAWKV_RETURN_IF_ERROR(CheckRemovable(version));
  RAWKV_RETURN_IF_ERROR(fs_.Stat(PathOf(version)).status());
  DeleteRemoved(PathOf(version) +
                std::string(kRemovingSuffix));  // a leftover; its rename is durable by now (S4)
  return RenameForRemoval(version).status();
}

Status SnapshotStore::Remove(Version version) {
  RAWKV_RETURN_IF_ERROR(CheckRemovable(version));
  RAWKV_RETURN_IF_ERROR(fs_.Stat(PathOf(version)).status());
  RAWKV_ASSIGN_OR_RETURN(const std::string left, RenameForRemoval(version));
  DeleteRemoved(left);
  return {};
}

// Durably deletes everything but the mark, then the mark, then the directory (S1).
Status SnapshotStore::DeleteMarked(const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir));
  Status first;
  for (const std::string& name : names) {
    if (name == kMarkName) continue;
    const Status removed = RemoveTree(fs_, JoinPath(dir, name));
    if (first.ok()) first = removed;
  }
  RAWKV_RETURN_IF_ERROR(first);
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir));
  return RemoveTree(fs_, dir);
}

void SnapshotStore::DeleteRemoved(const std::string& path) {
  const bool marked = ParseDirName(path.substr(path.rfind('/') + 1)).has_value();
  if (!marked) return SweepTree(fs_, path, logger_);
  const Status deleted = DeleteMarked(path);
  if (deleted.ok()) return;
  logger_.Log(LogLevel::kWarning, path + ": is removed, but cannot be deleted now (" + deleted.message() +
                                      "); the next open tries again");
}

Status SnapshotStore::Sweep(FileId spared) {
  // Syncs first, even if there is no leftover (S4): a killed process may have left renames that are visible
  // but not durable.
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(store_dir_));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(store_dir_));
  for (const std::string& name : names) {
    if (IsSweptName(name)) {
      const std::string path = JoinPath(store_dir_, name);
      const Result<FileStat> stat = fs_.Stat(path);
      if (stat.ok() && stat->id.known() && stat->id == spared) continue;
      SweepTree(fs_, path, logger_);
    }
    const std::optional<Version> version = ParseDirName(name);
    if (!version.has_value()) continue;
    const bool removing = ReadManifest(*version).status().code() == StatusCode::kNotFound;
    if (removing) DeleteRemoved(PathOf(*version));
  }
  return {};
}

}  // namespace rawkv
