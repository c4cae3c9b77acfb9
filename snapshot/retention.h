#pragma once

#include <optional>
#include <vector>

#include "base/keep_tier.h"
#include "base/types.h"

namespace rawkv {

// Decides which snapshots and which part of the log can be removed (protocols: prune step 2, invariant 2).
// Pure.
struct RetentionInput {
  struct Item {
    Version version;
    bool pinned = false;  // by a named pin or by the tiers
    uint64_t created_unix_ms = 0;
    bool only_tiers = false;  // pinned, but by no named pin
    bool uncounted = false;  // keep_recent does not count it: it is there for the log since the one before it
  };
  std::vector<Item> snapshots;  // ascending, all published ones
  Version current;              // counts as unpinned, and is never removed
  Version tip;
  Version log_first;                           // first version that the log can hold
  Version log_last;                            // last version in the log (the tip)
  uint64_t keep_recent = 2;                    // counted snapshots to keep in addition to the newest one
  std::optional<uint64_t> keep_since_unix_ms;  // versions that were the tip at this time or later are kept
  std::optional<Version> oldest_lease;         // base snapshot of the oldest lease; the log after it is kept
  std::vector<Version>
      give_up;  // go whatever the settings keep, unless they are `current` or have a named pin
  KeepTiers tiers;
  uint64_t now_unix_ms = 0;  // for the tiers
};

struct RetentionPlan {
  std::vector<Version> remove;  // ascending
  // Snapshots that the tiers hold from now on, or not any more; ascending. The caller makes both durable
  // before it removes anything.
  std::vector<Version> hold, release;
  Version floor;          // F after the removal: every version in [F, tip] stays reachable
  Version keep_log_from;  // first record that must stay: the one after F or after the lease's base
};

// F: the oldest unpinned snapshot (`current` counts as one) from which the log leads without a gap to the
// tip.
Version ReachableFloor(const RetentionInput& input);

// Plans the removal of unpinned snapshots below `current`: those beyond the keep_recent + 1 newest counted
// ones that no version since keep_since_unix_ms needs, and those from which the log does not lead to the tip.
// An uncounted snapshot goes together with the next older counted one. Never removes `current` or a snapshot
// with a named pin.
//
// In each period of a tier (a multiple of every_seconds since 1970), the tier wants the oldest snapshot that
// has no named pin, for for_seconds after it was made. Such a snapshot is held, not removed: its own version
// stays, without the versions after it.
RetentionPlan PlanRetention(const RetentionInput& input);

// The bytes that a snapshot and the history up to the next one take.
struct HistoryCost {
  Version version;
  uint64_t bytes = 0;
  bool removable = false;  // it is not `current`, not above it, and has no named pin
};
// The snapshots to give up so that history takes at most `bytes_max`: the oldest ones first, as few as
// possible; all removable ones if even that is too little. `costs` is ascending. Pure.
std::vector<Version> PlanBudget(const std::vector<HistoryCost>& costs, uint64_t bytes_now,
                                uint64_t bytes_max);

}  // namespace rawkv
