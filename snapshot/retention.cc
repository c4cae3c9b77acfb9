#include "snapshot/retention.h"

#include <algorithm>

// Keeps the part of invariant 2 that is about snapshots and the log:
//
//   R1  `current` and named pins are never removed; nor is what lies above `current`, which is
//       published and about to become it.
//   R2  Every version in [floor, tip] can be rebuilt after the removal: floor is a snapshot that
//       stays, and the log from Next(floor) stays.
//   R3  keep_recent + 1 unpinned snapshots stay where there are as many with a log.
namespace rawkv {
namespace {

bool CountsAsUnpinned(const RetentionInput& input, const RetentionInput::Item& item) {
  return !item.pinned || item.version == input.current;
}

// Whether the log holds Next(base) … tip. `<`, not `!=`: the log may begin anywhere below, too.
bool LogReachesTip(const RetentionInput& input, Version base) {
  const bool begins_early_enough = input.log_first <= base || Previous(input.log_first) == base;
  return begins_early_enough && input.log_last >= input.tip;
}

}  // namespace

Version ReachableFloor(const RetentionInput& input) {
  for (const RetentionInput::Item& item : input.snapshots) {
    if (CountsAsUnpinned(input, item) && LogReachesTip(input, item.version)) return item.version;
  }
  // A store without any such snapshot is damaged. `current` is then the lowest version that a repair
  // could start from; a higher floor would let slots go that it needs.
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
  // A lease's clone is a base without its log until its reader has replayed it.
  plan.keep_log_from = Next(std::min(plan.floor, input.oldest_lease.value_or(plan.floor)));
  return plan;
}

}  // namespace rawkv
