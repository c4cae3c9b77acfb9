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
  uint64_t total_bytes = 0;  // of the files listed; hard links count in full
  bool current = false;      // what `current` names
};

// What an index directory really contains, learned by opening it read-only.
struct SnapshotFacts {
  Version version;
  Lineage lineage;
  std::optional<Sha256Digest> digest;
};

// How the owner of the index fills and checks a staging directory; this layer never sees what is in
// it.
struct SnapshotCallbacks {
  // Fills the (existing, empty) directory; lists what it put there, paths relative to it.
  std::function<Result<std::vector<ManifestFile>>(const std::string& index_dir)> fill;
  // Opens the directory read-only and says what it contains.
  std::function<Result<SnapshotFacts>(const std::string& index_dir)> inspect;
};

// Computes a file's checksum of the given kind; the owner knows kCrc32c.
using FileChecksummer = std::function<Result<std::string>(const std::string& path, FileChecksumKind kind)>;

// Published snapshots of one store directory and the `current` link (invariant 5). One
// caller at a time for what changes; List and Current also beside a live writer in another process.
//
//   staged (snapshot-….tmp) → published (snapshot-…) → removing (snapshot-….removing) → gone
//                                                    → quarantined (snapshot-….damaged), for people
//
// Where the filesystem cannot rename the directory, a snapshot is removing once its MANIFEST is renamed to
// MANIFEST.removing. Such a directory, and an empty one, is no snapshot to any reader.
class SnapshotStore {
 public:
  // `logger` learns of what cannot be deleted.
  SnapshotStore(Fs& fs, Clock& clock, std::string store_dir, Uuid store_uuid, Logger& logger = NullLogger());

  static std::string DirName(Version version);  // "snapshot-" + 20 digits
  static std::optional<Version> ParseDirName(std::string_view name);
  std::string PathOf(Version version) const;
  std::string IndexPathOf(Version version) const;  // …/index

  // Published snapshots, ascending, those whose MANIFEST cannot be believed left out and named in
  // `damaged` if given. `unread`: the first error of those that failed to be read, which proves nothing.
  Result<std::vector<SnapshotInfo>> List(std::vector<std::string>* damaged = nullptr,
                                         Status* unread = nullptr) const;
  // kNotFound: there is no such snapshot, or it is being removed.
  Result<Manifest> ReadManifest(Version version) const;
  // What `current` names. kNotFound: no link. kCorruption: it is no link, or not to a snapshot name.
  // Whether that snapshot exists and is whole is for CheckFiles.
  Result<Version> Current() const;

  // Builds, checks, syncs and renames; `current` is not moved. One already published at the version
  // found stays untouched and is returned (a re-snapshot never removes the good one). Nothing is
  // left but a .tmp after a failure or crash.
  Result<Version> Publish(const SnapshotCallbacks& callbacks);
  // The two halves of Publish. Stage builds and checks under a temporary name; it may run concurrently with
  // everything but another Stage. PublishStaged gives the staged snapshot its name. A failure of either
  // removes what was staged.
  Result<Manifest> Stage(const SnapshotCallbacks& callbacks);
  Status PublishStaged(const Manifest& manifest);
  // Symlink under a temporary name, rename, sync. The snapshot must be published.
  Status SetCurrent(Version version);
  // Marks the snapshot as removed, durably, then deletes what can be deleted; the rest is Sweep's.
  // kFailedPrecondition for `current`'s. refused(): the operating system does not let it be marked, and it
  // stays a snapshot.
  Status Remove(Version version);
  // Without the deletion.
  Status MarkRemoved(Version version);

  // Manifest against the chain, every file there with its size. No content is read.
  Status CheckFiles(Version version, const LineageChain& chain) const;
  // CheckFiles, every checksum, then a read-only open. All that is wrong, empty = good. A read that the
  // operating system refuses (Status::refused) is an error of the call; one that the medium fails is
  // something wrong.
  Result<std::vector<std::string>> Verify(Version version, const LineageChain& chain,
                                          const FileChecksummer& checksummer,
                                          const SnapshotCallbacks& callbacks) const;
  // Deletes snapshot-….tmp, ….removing, marked and empty directories, and current.tmp, but never the file
  // `spared`: a device file may have any name. What cannot be deleted stays, with a warning.
  Status Sweep(FileId spared = {});
  // Whether Sweep deletes what has this name in the store's directory, whatever it holds.
  static bool IsSweptName(std::string_view name);

  // Moves a damaged snapshot out of the way for people to look at: renamed to snapshot-….damaged (or
  // ….damaged.1, …), durably. Nothing reads it as a snapshot or sweeps it. Returns the new path.
  // kFailedPrecondition for `current`'s.
  Result<std::string> Quarantine(Version version);
  // Removes the link, durably: only where what it names is damaged and nothing else can be named.
  Status ForgetCurrent();

 private:
  // What stands where a new snapshot wants to go.
  enum class Occupant : uint8_t { kNone, kWhole, kDamaged };

  Status CheckListed(const Manifest& manifest) const;
  Status MayGo(Version version) const;  // kFailedPrecondition: `current` names it
  Result<Occupant> OccupantOf(const Manifest& wanted) const;
  Result<bool> IsMarked(const std::string& dir) const;
  // The path that is left to delete: its new name, or the directory itself, marked.
  Result<std::string> TakeAway(Version version);
  Status DeleteMarked(const std::string& dir);
  void Delete(const std::string& path);
  std::string StagingPath() const;
  void DropStaging();
  Result<Manifest> Fill(const std::string& staging, const SnapshotCallbacks& callbacks);
  Status RenameStaged(const std::string& staging, const Manifest& manifest);

  Fs& fs_;
  Clock& clock_;
  const std::string store_dir_;
  const Uuid store_uuid_;
  Logger& logger_;
};

}  // namespace rawkv
