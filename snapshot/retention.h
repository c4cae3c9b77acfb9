#pragma once

#include <optional>
#include <vector>

#include "base/types.h"

namespace rawkv {

// Pure: which snapshots and which part of the log may go (protocols: prune step 2, invariant 2).
struct RetentionInput {
  struct Item {
    Version version;
    bool pinned = false;
  };
  std::vector<Item> snapshots;  // ascending, all published ones
  Version current;              // counts as unpinned, never removed
  Version tip;
  Version log_first;                    // first version the log could hold
  Version log_last;                     // last version in it (tip)
  uint64_t keep_recent = 2;             // unpinned ones kept besides the newest unpinned
  std::optional<Version> oldest_lease;  // base snapshot of the oldest lease: the log is kept from it
};

struct RetentionPlan {
  std::vector<Version> remove;  // ascending
  Version floor;                // F after the removal: [F, tip] stays reachable
  Version keep_log_from;        // first record that must stay: Next(F), or the lease's
};

// F: the oldest unpinned snapshot (`current` counts as one) whose log runs gapless to the tip.
Version ReachableFloor(const RetentionInput& input);

// Removes unpinned snapshots beyond keep_recent + 1 newest, and those below `current` whose log does
// not reach the tip; never `current`, never pinned ones.
RetentionPlan PlanRetention(const RetentionInput& input);

}  // namespace rawkv
