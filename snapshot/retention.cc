#include "snapshot/retention.h"

#include <algorithm>
#include <set>

// Keeps the part of invariant 2 that concerns snapshots and the log:
//
//   R1  `current` and pinned snapshots are never removed. A snapshot above `current` is not removed either,
//       since `current` is about to name it.
//   R2  Every version in [floor, tip] can be rebuilt after the removal: the snapshot `floor` and the log from
//       Next(floor) stay.
//   R3  A snapshot leads to the versions up to the next newer one. It stays if that one was made since
//       keep_since: a version between them may have been the tip at that time.
//   R4  keep_recent + 1 counted unpinned snapshots stay if there are as many from which the log leads to the
//       tip, and the uncounted ones above them. So uncounted snapshots never shorten the history, and a
//       version that stays readable keeps the nearest snapshot below it.
//   R5  A snapshot that the tiers want is held instead of removed. Only one from which the log still leads to
//       the tip may become held: the slots of any other one may be reused already.
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

// The snapshots that the tiers want, ascending.
std::vector<Version> WantedByTiers(const RetentionInput& input) {
  std::vector<Version> wanted;
  for (const KeepTier& tier : input.tiers) {
    std::set<uint64_t> periods;  // a clock that was wrong for a time leaves them in any order
    for (const RetentionInput::Item& item : input.snapshots) {
      const bool free = !item.pinned && LogReachesTip(input, item.version);
      if (!free && !item.only_tiers) continue;
      if (item.created_unix_ms + tier.for_seconds * 1000 < input.now_unix_ms) continue;
      const uint64_t period = item.created_unix_ms / (tier.every_seconds * 1000);
      if (periods.insert(period).second) wanted.push_back(item.version);
    }
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return wanted;
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
  uint64_t newer_counted = 0;
  uint64_t next_created_unix_ms = UINT64_MAX;  // of the next newer unpinned snapshot
  const std::vector<Version> wanted = WantedByTiers(input);
  const auto is_wanted = [&](Version v) { return std::binary_search(wanted.begin(), wanted.end(), v); };
  for (auto item = input.snapshots.rbegin(); item != input.snapshots.rend(); ++item) {
    bool remove = false;
    if (CountsAsUnpinned(input, *item)) {
      const bool recent = newer_counted <= input.keep_recent;
      const bool young = input.keep_since_unix_ms && next_created_unix_ms >= *input.keep_since_unix_ms;
      remove = item->version < input.current && !((recent || young) && LogReachesTip(input, item->version));
      next_created_unix_ms = item->created_unix_ms;
      if (!item->uncounted) ++newer_counted;
    }
    const bool given_up =
        std::find(input.give_up.begin(), input.give_up.end(), item->version) != input.give_up.end();
    if (given_up && item->version < input.current && (!item->pinned || item->only_tiers)) remove = true;
    if (item->only_tiers && item->version != input.current && (given_up || !is_wanted(item->version))) {
      plan.release.push_back(item->version);
      remove = true;
    }
    if (remove && !given_up && is_wanted(item->version)) {
      plan.hold.push_back(item->version);
      kept.snapshots.push_back(*item);
      kept.snapshots.back().pinned = true;
    } else if (remove) {
      plan.remove.push_back(item->version);
    } else {
      kept.snapshots.push_back(*item);
    }
  }
  std::reverse(plan.remove.begin(), plan.remove.end());
  std::reverse(plan.hold.begin(), plan.hold.end());
  std::reverse(plan.release.begin(), plan.release.end());
  std::reverse(kept.snapshots.begin(), kept.snapshots.end());

  plan.floor = ReachableFloor(kept);
  // The clone of a lease needs the log after its base until its reader has replayed that log.
  plan.keep_log_from = Next(std::min(plan.floor, input.oldest_lease.value_or(plan.floor)));
  return plan;
}

std::vector<Version> PlanBudget(const std::vector<HistoryCost>& costs, uint64_t bytes_now,
                                uint64_t bytes_max) {
  std::vector<Version> given_up;
  for (const HistoryCost& cost : costs) {
    if (bytes_now <= bytes_max) break;
    if (!cost.removable) continue;
    given_up.push_back(cost.version);
    bytes_now -= std::min(bytes_now, cost.bytes);
  }
  return given_up;
}

}  // namespace rawkv
