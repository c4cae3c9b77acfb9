#pragma once

#include <list>
#include <memory>
#include <optional>
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

// A version held for reading: which index to ask, and at which point of it.
class EngineView final : public ReadView {
 public:
  ~EngineView() override;
  Version version() const override { return version_; }
  // Its time and metadata, and the branch that made it.
  const CommitRecord& commit() const { return commit_; }
  // In a process that was forked after the store was opened a view must not be used, nor be closed.
  bool forked() const;
  KeyIndex& index() const { return *index_; }
  const std::shared_ptr<KeyIndex>& shared_index() const { return index_; }
  const std::shared_ptr<const ReadPoint>& point() const { return point_; }

 private:
  friend class ViewRegistry;
  EngineView() = default;
  // Leaves everything as it is, in memory and on disk, for the process that this one was forked from.
  void LeaveToParent();

  ViewRegistry* registry_ = nullptr;
  Version version_;
  CommitRecord commit_;
  std::string kind_;                        // "view" or "export"
  std::shared_ptr<const ReadPoint> point_;  // dies before the index
  std::shared_ptr<KeyIndex> index_;
  std::unique_ptr<Lease> lease_;  // of a clone on disk
  bool on_live_index_ = false;
  std::optional<Version> replay_base_;  // while a clone is replayed; guarded by the registry's mutex
};

// Open views, so that nobody reuses what they read (invariant 2).
//
//   Registering takes the read point and enters the list under one lock, and Holds reads the list
//   under it: a view is either seen by a reclaim, or younger than the reclaim's floor.
//
// Thread-safe.
class ViewRegistry {
 public:
  // `process` must outlive the registry.
  explicit ViewRegistry(const ForkGuard& process) : process_(process) {}

  // The tip of the live index; cheap.
  Result<std::shared_ptr<const EngineView>> OpenTip(const std::shared_ptr<KeyIndex>& index, const char* kind);
  // A throw-away clone of snapshot `base`, replayed to `version`: BeginClone, then FinishClone.
  Result<std::shared_ptr<const EngineView>> OpenClone(StoreContext& context, Version base, Version version,
                                                      const char* kind);
  // Links the snapshot's files and lists the view, so that nobody takes away what it needs. The caller keeps
  // the snapshot in place meanwhile.
  Result<std::shared_ptr<EngineView>> BeginClone(StoreContext& context, Version base, Version version,
                                                 const char* kind);
  // Opens the clone and replays the log into it; may take seconds. The caller keeps a rollback away. The log
  // stays, as ReplayBases names the view's.
  Result<std::shared_ptr<const EngineView>> FinishClone(StoreContext& context,
                                                        std::shared_ptr<EngineView> view);

  std::vector<VersionHold> Holds() const;
  // Of a version that an open view holds: nothing if there is none.
  std::optional<CommitRecord> CommitOf(Version version) const;
  bool Empty() const;
  std::vector<std::string> LeaseDirs() const;
  // The snapshots from whose version on the log is still to be replayed into a clone.
  std::vector<Version> ReplayBases() const;

 private:
  friend class EngineView;
  void Forget(const EngineView* view);
  // Gives `view` a lease, and below it a clone of snapshot `base`. Leaves nothing after a failure.
  static Status LinkClone(StoreContext& context, Version base, EngineView& view);

  const ForkGuard& process_;
  mutable Mutex mu_;
  std::list<const EngineView*> views_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
