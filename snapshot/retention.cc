#include "snapshot/retention.h"

#include <algorithm>

// Keeps the part of invariant 2 that concerns snapshots and the log:
//
//   R1  `current` and pinned snapshots are never removed. A snapshot above `current` is not removed either,
//       since `current` is about to name it.
//   R2  Every version in [floor, tip] can be rebuilt after the removal: the snapshot `floor` and the log from
//       Next(floor) stay.
//   R3  keep_recent + 1 unpinned snapshots stay if there are as many from which the log leads to the tip.
namespace rawkv {
namespace {

bool CountsAsUnpinned(const RetentionInput& input, const RetentionInput::Item& item) {
  return !item.pinned || item.version == input.current;
}

// Whether the log holds Next(base) … tip. The log may also begin below.
bool LogReachesTip(const RetentionInput& input, Version base) {
  const bool begins_early_enough = input.log_first <= base || Previous(input.log_first) == base;
  return begins_early_enough && input.log_last >= input.tip;
}

}  // namespace

Version ReachableFloor(const RetentionInput& input) {
  for (const RetentionInput::Item& item : input.snapshots) {
    if (CountsAsUnpinned(input, item) && LogReachesTip(input, item.version)) return item.version;
  }
  // A store without such a snapshot is damaged. A repair may then start from `current`, and a higher floor
  // would free slots that it needs.
  return input.current;
}

RetentionPlan PlanRetention(const RetentionInput& input) {
  RetentionPlan plan;
  RetentionInput kept = input;
  kept.snapshots.clear();
  uint64_t newer_unpinned = 0;
  for (auto item = input.snapshots.rbegin(); item != input.snapshots.rend(); ++item) {
    bool remove = false;
    if (CountsAsUnpinned(input, *item)) {
      const bool recent = newer_unpinned <= input.keep_recent;
      remove = item->version < input.current && !(recent && LogReachesTip(input, item->version));
      ++newer_unpinned;
    }
    if (remove) {
      plan.remove.push_back(item->version);
    } else {
      kept.snapshots.push_back(*item);
    }
  }
  std::reverse(plan.remove.begin(), plan.remove.end());
  std::reverse(kept.snapshots.begin(), kept.snapshots.end());

  plan.floor = ReachableFloor(kept);
  // The clone of a lease needs the log after its base until its reader has replayed that log.
  plan.keep_log_from = Next(std::min(plan.floor, input.oldest_lease.value_or(plan.floor)));
  return plan;
}

}  // namespace rawkv
