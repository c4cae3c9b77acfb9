#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/lineage_chain.h"
#include "base/logger.h"
#include "base/result.h"
#include "snapshot/manifest.h"

namespace rawkv {

struct SnapshotInfo {
  Version version;
  Lineage lineage;
  uint64_t created_unix_ms = 0;
  uint64_t file_count = 0;
  uint64_t total_bytes = 0;  // of the listed files; hard links count in full
  bool current = false;      // `current` names this snapshot
  bool by_log_bytes = false;
};

// The real content of an index directory, found by a read-only open.
struct SnapshotFacts {
  Version version;
  Lineage lineage;
  std::optional<Sha256Digest> digest;
};

// The owner of the index fills and checks a staging directory by these. This layer does not interpret its
// content.
struct SnapshotCallbacks {
  // Fills the existing, empty directory. Returns the files in it, with paths relative to it.
  std::function<Result<std::vector<ManifestFile>>(const std::string& index_dir)> fill;
  // Opens the directory read-only and returns its content.
  std::function<Result<SnapshotFacts>(const std::string& index_dir)> inspect;
};

// Computes a checksum of the given kind over a file. The owner provides it, since only the owner can compute
// kCrc32c.
using FileChecksummer = std::function<Result<std::string>(const std::string& path, FileChecksumKind kind)>;

// The published snapshots of one store directory, and the `current` link (invariant 5). Methods that change
// something need one caller at a time. List and Current may run concurrently with a writer in another
// process.
//
//   staged (snapshot-staging.tmp) → published (snapshot-…) → removing (snapshot-….removing) → gone
//                                                          → moved aside (snapshot-….damaged), for people
//
// If the filesystem cannot rename the directory, a snapshot is "removing" once its MANIFEST is renamed to
// MANIFEST.removing. No reader takes such a directory, or an empty one, for a snapshot.
class SnapshotStore {
 public:
  // Warns in `logger` about files that cannot be deleted.
  SnapshotStore(Fs& fs, Clock& clock, std::string store_dir, Uuid store_uuid, Logger& logger = NullLogger());

  static std::string DirName(Version version);  // "snapshot-" + 20 digits
  static std::optional<Version> ParseDirName(std::string_view name);
  std::string PathOf(Version version) const;
  std::string IndexPathOf(Version version) const;  // …/index

  // The published snapshots, ascending. Leaves out each snapshot whose MANIFEST is damaged or cannot be read,
  // and adds its name to `damaged` (if given). Sets `unread` (if given) to the first kIoError of a read,
  // which does not prove damage.
  Result<std::vector<SnapshotInfo>> List(std::vector<std::string>* damaged = nullptr,
                                         Status* unread = nullptr) const;
  // kNotFound if there is no such snapshot, or it is being removed.
  Result<Manifest> ReadManifest(Version version) const;
  // The version that `current` names. kNotFound if there is no link. kCorruption if `current` is not a link,
  // or does not name a snapshot. Does not check that the snapshot exists and is whole; CheckFiles does.
  Result<Version> Current() const;

  // Builds, checks, syncs and names a snapshot, and returns its version. Does not move `current`. If a whole
  // snapshot of that version is published already, it stays unchanged. A failure or a crash leaves at most a
  // .tmp.
  Result<Version> Publish(const SnapshotCallbacks& callbacks);
  // The two halves of Publish. Stage builds and checks under a temporary name; it may run concurrently with
  // everything but another Stage. PublishStaged gives the staged snapshot its name. A failure of either
  // removes the staged snapshot. In between, the owner may set `by_log_bytes` of the manifest.
  Result<Manifest> Stage(const SnapshotCallbacks& callbacks);
  Status PublishStaged(const Manifest& manifest);
  // Points `current` at a published snapshot: makes a symlink under a temporary name, renames it and syncs.
  Status SetCurrent(Version version);
  // Durably marks the snapshot as removed, and then deletes its files. Sweep deletes files that cannot be
  // deleted now. kFailedPrecondition if `current` names the snapshot. If the operating system refuses the
  // mark, the error is refused() and the snapshot stays.
  Status Remove(Version version);
  // Remove without the deletion.
  Status MarkRemoved(Version version);

  // Checks that the snapshot is on the chain and that every listed file is there with its size. Reads no
  // content.
  Status CheckFiles(Version version, const LineageChain& chain) const;
  // CheckFiles, every checksum, and a read-only open. Returns all faults; none means that the snapshot is
  // good. A read that the operating system refuses (Status::refused) is an error of the call; a failed read
  // of the medium is a fault.
  Result<std::vector<std::string>> Verify(Version version, const LineageChain& chain,
                                          const FileChecksummer& checksummer,
                                          const SnapshotCallbacks& callbacks) const;
  // Deletes leftovers: snapshot-….tmp, ….removing, marked and empty directories, and current.tmp. Never
  // deletes the file `spared`, since a device file may have any name. Warns about leftovers that cannot be
  // deleted.
  Status Sweep(FileId spared = {});
  // Whether Sweep deletes a file or directory of this name, with any content, in the store's directory.
  static bool IsSweptName(std::string_view name);

  // Durably renames a damaged snapshot to snapshot-….damaged (or ….damaged.1, …), so that people can inspect
  // it. Nothing reads it as a snapshot or sweeps it. Returns the new path. kFailedPrecondition if `current`
  // names it.
  Result<std::string> MoveAside(Version version);
  // Durably removes the `current` link. Use it only if `current` names a damaged snapshot and there is no
  // other.
  Status RemoveCurrent();

 private:
  // The state of the name that a new snapshot needs.
  enum class Occupant : uint8_t { kNone, kWhole, kDamaged };

  Status CheckListed(const Manifest& manifest) const;
  Status CheckRemovable(Version version) const;  // kFailedPrecondition: `current` names it
  Result<Occupant> InspectOccupant(const Manifest& wanted) const;
  Result<bool> IsMarked(const std::string& dir) const;
  // Returns the path to delete: the new name, or the old one if the directory could only be marked.
  Result<std::string> RenameForRemoval(Version version);
  Status DeleteMarked(const std::string& dir);
  void DeleteRemoved(const std::string& path);
  std::string StagingPath() const;
  void RemoveStaging();
  Result<Manifest> BuildStaged(const std::string& staging, const SnapshotCallbacks& callbacks);
  Status RenameStaged(const std::string& staging, const Manifest& manifest);

  Fs& fs_;
  Clock& clock_;
  const std::string store_dir_;
  const Uuid store_uuid_;
  Logger& logger_;
};

}  // namespace rawkv
