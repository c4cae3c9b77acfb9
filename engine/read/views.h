#pragma once

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fork_guard.h"
#include "base/mutex.h"
#include "engine/api/info.h"
#include "engine/api/read_view.h"
#include "engine/index/key_index.h"
#include "engine/space/reachability.h"
#include "engine/store/store_context.h"
#include "snapshot/leases.h"

namespace rawkv {

class ViewRegistry;

// What a clone view is made from.
struct CloneSource {
  Version base;              // the newest snapshot at or below the version
  bool working = false;      // clone the working index instead of the snapshot
  KeyIndex* live = nullptr;  // the working index if this process has it open
  bool shared = true;        // other views of the version may use the clone; false: the view flushes it
};

// The commit with which an index ends.
CommitRecord ToCommitRecord(const MetaRecord& meta);

// The lease directories of this process, each from before it exists until it is deleted. Thread-safe.
class OwnLeases {
 public:
  void Add(const std::string& dir) {
    MutexLock lock(mu_);
    dirs_.insert(dir);
  }
  void Erase(const std::string& dir) {
    MutexLock lock(mu_);
    dirs_.erase(dir);
  }
  std::vector<std::string> List() const {
    MutexLock lock(mu_);
    return {dirs_.begin(), dirs_.end()};
  }

 private:
  mutable Mutex mu_;
  std::set<std::string> dirs_ RAWKV_GUARDED_BY(mu_);
};

// The index of an old version with the directory that it lives in. The views of that version share it, and
// ViewRegistry keeps it for a later one. Constant once a view was opened.
struct OldIndex {
  ~OldIndex();  // closes the index, then deletes the directory

  CommitRecord commit;  // of the version
  std::shared_ptr<KeyIndex> index;
  std::unique_ptr<Lease> lease;       // null for a clone in memory
  std::shared_ptr<OwnLeases> leases;  // that list the lease
  bool ready = false;                 // the index is at the version
  bool shared = false;                // CloneSource::shared
  uint64_t kept_bytes_max = 0;        // how much memory kept clones may take with this one; 0: it is not kept
};

// A version that is held for reading: an index, and for the live index a read point of it. Thread-safe.
class EngineView final : public ReadView {
 public:
  ~EngineView() override;
  Version version() const override { return version_; }
  const CommitRecord& commit() const { return commit_; }
  // Whether this process was forked after the store was opened. Then it must neither use nor close the view.
  bool forked() const;
  KeyIndex& index() const { return *index_; }
  const std::shared_ptr<KeyIndex>& shared_index() const { return index_; }
  const std::shared_ptr<const ReadPoint>& point() const { return point_; }

 private:
  friend class ViewRegistry;
  EngineView() = default;
  // Leaves memory and disk unchanged, for the process from which this one was forked.
  void LeaveToParent();

  ViewRegistry* registry_ = nullptr;
  Version version_;
  CommitRecord commit_;
  std::string kind_;                        // "view" or "export"
  std::shared_ptr<const ReadPoint> point_;  // must be released before the index
  std::shared_ptr<KeyIndex> index_;
  std::shared_ptr<OldIndex> clone_;  // null for a view of the live index
  bool on_live_index_ = false;
  std::optional<Version> replay_base_;  // set while a clone is replayed; guarded by the registry's mutex
};

// The open views of this process, so that no slot that they read is reused (invariant 2). Also keeps the
// newest clones that views have left, at most kKept, and as many bytes of memory as one block cache has. A
// kept clone holds no version: neither its slots nor its log, and no rollback is blocked
// (docs/adr/0034-a-clone-that-was-closed-is-kept.md).
//
// OpenTip takes the read point and lists the view under one lock, and Holds reads the list under the same
// lock. So a reclaim either sees a view, or the view is newer than the reclaim's floor. Thread-safe.
class ViewRegistry {
 public:
  // `process` must outlive the registry.
  explicit ViewRegistry(const ForkGuard& process) : process_(process) {}

  // Opens a view of the tip of the live index. Cheap.
  Result<std::shared_ptr<const EngineView>> OpenTip(const std::shared_ptr<KeyIndex>& index, const char* kind);
  // BeginClone, then FinishClone.
  Result<std::shared_ptr<const EngineView>> OpenClone(StoreContext& context, const CloneSource& source,
                                                      Version version, const char* kind);
  // Links the files of a throw-away clone and lists the view. From then on no prune removes the log and the
  // slots that it needs. The caller keeps the snapshot from being removed meanwhile, or checks afterwards
  // that it is still there. On a full filesystem or on read-only media the clone of a snapshot is in memory,
  // but only with the store's lock.
  Result<std::shared_ptr<EngineView>> BeginClone(StoreContext& context, const CloneSource& source,
                                                 Version version, const char* kind);
  // Opens the clone and moves it to the version, by the log or by undo records; may take seconds. The caller
  // keeps a rollback from running meanwhile. The log stays, because ReplayBases names the view's base. After
  // an error of a clone of the working index, the caller tries the snapshot.
  Result<std::shared_ptr<const EngineView>> FinishClone(StoreContext& context,
                                                        std::shared_ptr<EngineView> view);

  // A view of an old version from a clone that another view uses, or that is kept; null if there is none on
  // this chain. For a kept clone the caller makes sure that the version is reachable, and that no prune runs.
  std::shared_ptr<const EngineView> Share(const LineageChain& chain, Version version, const char* kind);
  // Whether Share would probably find a clone.
  bool HasCloneOf(Version version) const;
  // Closes and deletes the clones that are kept. For prunes, rollbacks and the close.
  void DropKept();

  // One hold for each open view.
  std::vector<VersionHold> Holds() const;
  // The commit of a version that an open view holds; absent if no view holds it.
  std::optional<CommitRecord> CommitOf(Version version) const;
  bool Empty() const;
  // The lease directories of this process, also of a clone that is being made or deleted.
  std::vector<std::string> LeaseDirs() const { return leases_->List(); }
  // The bases of the clones whose replay still needs the log.
  std::vector<Version> ReplayBases() const;

 private:
  friend class EngineView;
  static constexpr size_t kKept = 4;
  using Kept = std::array<std::shared_ptr<OldIndex>, kKept>;

  // Takes the view off the list, and keeps its clone if no other view uses it.
  void Forget(EngineView& view);
  std::shared_ptr<OldIndex> FindClone(Version version) const RAWKV_REQUIRES(mu_);
  // Makes a lease for `view` and a clone next to it. Leaves nothing after a failure.
  Status LinkClone(StoreContext& context, const CloneSource& source, EngineView& view);

  const ForkGuard& process_;
  const std::shared_ptr<OwnLeases> leases_ = std::make_shared<OwnLeases>();
  mutable Mutex mu_;
  std::list<const EngineView*> views_ RAWKV_GUARDED_BY(mu_);
  Kept kept_ RAWKV_GUARDED_BY(mu_);  // the newest first
};

}  // namespace rawkv
