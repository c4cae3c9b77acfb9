#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "engine/api/info.h"
#include "engine/api/version_range.h"
#include "engine/index/allocation_page.h"

namespace rawkv {

// Decides which versions are reachable, and which of them need a freed slot (invariant 2). Version r needs a
// slot that was born at B and freed at V if B <= r < V. Reachable are all versions in [floor, tip] and each
// held version. Pure.

// A hold on one version: a named pin, an open view, an export, a lease of another process, or a checkpoint.
struct VersionHold {
  std::string kind;  // as PinnedBy::kind
  std::string name;
  Version version;
  // The holder reads the live index, which a rollback replaces: it blocks a rollback to any version.
  bool on_live_index = false;
  // A checkpoint: it needs the slots of the version, but no reader gets there, and it blocks no rollback.
  bool only_slots = false;
};

struct Reachability {
  Version floor;  // F
  Version tip;
  std::vector<Version> snapshots;  // unpinned ones at or above the floor, ascending; the first is the floor
  std::vector<VersionHold> holds;

  // Whether no reachable version needs the slot.
  bool MayReuse(Version born, Version freed) const;
  bool IsReachable(Version v) const;
  // All reachable versions, normalized.
  VersionRanges Ranges() const;
};

// VersionHold::kind of a checkpoint on the device, and of the view from which one is written.
inline constexpr const char* kCheckpointHold = "checkpoint";

// Counts deferred slots by their holder, for `info`. `reachability` must outlive it. Not thread-safe.
class PinAccount {
 public:
  explicit PinAccount(const Reachability& reachability) : reach_(reachability) {}
  void Add(const DeferredFree& entry);

  uint64_t pinned() const { return pinned_; }
  uint64_t reclaimable() const { return reclaimable_; }
  uint64_t shared() const { return shared_; }
  // Slots that a hold needs. A commit that finds no free slot may get the others: the engine makes a snapshot
  // of the tip and gives the older versions up, but never a hold.
  uint64_t held() const { return held_; }
  std::vector<PinnedBy> holders() const;  // holders with slots, snapshots first

 private:
  const Reachability& reach_;
  uint64_t pinned_ = 0, reclaimable_ = 0, shared_ = 0, held_ = 0;
  std::vector<uint64_t> by_snapshot_ = std::vector<uint64_t>(reach_.snapshots.size());
  std::vector<uint64_t> by_hold_ = std::vector<uint64_t>(reach_.holds.size());
};

}  // namespace rawkv
