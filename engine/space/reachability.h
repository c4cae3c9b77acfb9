#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "engine/api/info.h"
#include "engine/api/version_range.h"
#include "engine/index/allocation_page.h"

namespace rawkv {

// Pure: who still needs a freed slot (invariant 2)? A slot born at B and freed at V is needed
// by version r if B <= r < V. Reachable: all of [floor, tip], and the versions held one by one.

// A hold on one version: a named pin, an open view, an export, another process's lease.
struct VersionHold {
  std::string kind;  // as PinnedBy::kind
  std::string name;
  Version version;
  // It reads the live index, which a rollback replaces: it blocks a rollback to any version.
  bool on_live_index = false;
};

struct Reachability {
  Version floor;  // F
  Version tip;
  std::vector<Version> snapshots;  // unpinned ones at or above the floor, ascending; first = floor
  std::vector<VersionHold> holds;

  // The slot is needed by nothing.
  bool MayReuse(Version born, Version freed) const;
  bool IsReachable(Version v) const;
  // Inclusive ranges, ascending, disjoint.
  VersionRanges Ranges() const;
};

// Attributes deferred slots to whoever keeps them, for `info`.
class PinAccount {
 public:
  explicit PinAccount(const Reachability& reachability) : reach_(reachability) {}
  void Add(const DeferredFree& entry);

  uint64_t pinned() const { return pinned_; }
  uint64_t reclaimable() const { return reclaimable_; }
  uint64_t shared() const { return shared_; }
  std::vector<PinnedBy> holders() const;  // those with slots, snapshots first

 private:
  const Reachability& reach_;
  uint64_t pinned_ = 0, reclaimable_ = 0, shared_ = 0;
  std::vector<uint64_t> by_snapshot_ = std::vector<uint64_t>(reach_.snapshots.size());
  std::vector<uint64_t> by_hold_ = std::vector<uint64_t>(reach_.holds.size());
};

}  // namespace rawkv
