#pragma once

#include <optional>
#include <vector>

#include "base/types.h"

namespace rawkv {

// Decides which snapshots and which part of the log can be removed (protocols: prune step 2, invariant 2).
// Pure.
struct RetentionInput {
  struct Item {
    Version version;
    bool pinned = false;
    uint64_t created_unix_ms = 0;
  };
  std::vector<Item> snapshots;  // ascending, all published ones
  Version current;              // counts as unpinned, and is never removed
  Version tip;
  Version log_first;                           // first version that the log can hold
  Version log_last;                            // last version in the log (the tip)
  uint64_t keep_recent = 2;                    // unpinned snapshots to keep in addition to the newest one
  std::optional<uint64_t> keep_since_unix_ms;  // versions that were the tip at this time or later are kept
  std::optional<Version> oldest_lease;         // base snapshot of the oldest lease; the log after it is kept
};

struct RetentionPlan {
  std::vector<Version> remove;  // ascending
  Version floor;                // F after the removal: every version in [F, tip] stays reachable
  Version keep_log_from;        // first record that must stay: the one after F or after the lease's base
};

// F: the oldest unpinned snapshot (`current` counts as one) from which the log leads without a gap to the
// tip.
Version ReachableFloor(const RetentionInput& input);

// Plans the removal of unpinned snapshots below `current`: those beyond the keep_recent + 1 newest that no
// version since keep_since_unix_ms needs, and those from which the log does not lead to the tip. Never
// removes `current` or a pinned snapshot.
RetentionPlan PlanRetention(const RetentionInput& input);

}  // namespace rawkv
