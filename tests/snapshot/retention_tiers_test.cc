// Retention by tiers and by a space budget, with a clock that the test moves.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "snapshot/retention.h"

namespace rawkv {
namespace {

constexpr uint64_t kHour = 3600, kDay = 86400;
constexpr uint64_t kStart = 1'700'000'000'000;  // Unix milliseconds

// A store that makes a snapshot at some versions, and obeys each plan.
class Store {
 public:
  RetentionInput in;

  Store() {
    in.keep_recent = 2;
    in.now_unix_ms = kStart;
    Snapshot();
  }
  void Snapshot() {
    in.tip = in.log_last = Version(in.tip.value() + 10);
    in.snapshots.push_back({.version = in.tip, .pinned = false, .created_unix_ms = in.now_unix_ms});
    in.current = in.tip;
  }
  RetentionPlan Prune() {
    const RetentionPlan plan = PlanRetention(in);
    for (RetentionInput::Item& item : in.snapshots) {
      if (Has(plan.hold, item.version)) item.pinned = item.only_tiers = true;
      if (Has(plan.release, item.version)) item.pinned = item.only_tiers = false;
    }
    std::erase_if(in.snapshots, [&](const auto& item) { return Has(plan.remove, item.version); });
    in.log_first = plan.keep_log_from;
    return plan;
  }
  static bool Has(const std::vector<Version>& versions, Version v) {
    return std::find(versions.begin(), versions.end(), v) != versions.end();
  }
};

TEST(RetentionTiers, HourlyForADayAndDailyForAMonth) {
  Store store;
  store.in.tiers = {{kHour, kDay}, {kDay, 30 * kDay}};
  for (uint64_t minute = 0; minute < 60 * 24 * 60; minute += 10) {  // 60 days, a snapshot in 10 minutes
    store.in.now_unix_ms = kStart + minute * 60'000;
    store.Snapshot();
    store.Prune();
  }
  std::set<uint64_t> hours, days;
  for (const auto& item : store.in.snapshots) {
    const uint64_t age_seconds = (store.in.now_unix_ms - item.created_unix_ms) / 1000;
    if (age_seconds < kDay) hours.insert(item.created_unix_ms / (kHour * 1000));
    if (age_seconds < 30 * kDay) days.insert(item.created_unix_ms / (kDay * 1000));
    EXPECT_LE(age_seconds, 30 * kDay);
  }
  EXPECT_GE(hours.size(), 24u);
  EXPECT_GE(days.size(), 30u);
  // One of each period: 24 or 25 hours, 30 or 31 days, and the three newest.
  EXPECT_LE(store.in.snapshots.size(), 25u + 31u + 3u);
}

// Random histories: whatever the settings and the clock do, each period within a tier's time keeps the oldest
// snapshot that it had, and nothing else is held.
TEST(RetentionTiers, EachPeriodKeepsItsOldestSnapshot) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    Store store;
    store.in.keep_recent = below(4);
    const uint64_t every = 1 + below(50), many = 1 + below(20);
    store.in.tiers = {{every, every * many}};
    if (below(2) != 0) store.in.tiers.push_back({every * 5, every * many * 7});
    std::vector<RetentionInput::Item> made = store.in.snapshots;
    for (int step = 0; step < 200; ++step) {
      store.in.now_unix_ms += below(every * 700);
      store.Snapshot();
      made.push_back(store.in.snapshots.back());
      const RetentionPlan plan = store.Prune();
      EXPECT_LE(plan.floor, store.in.current);
      for (const KeepTier& tier : store.in.tiers) {
        std::set<uint64_t> periods;
        for (const auto& item : made) {
          const bool first = periods.insert(item.created_unix_ms / (tier.every_seconds * 1000)).second;
          const bool young = item.created_unix_ms + tier.for_seconds * 1000 >= store.in.now_unix_ms;
          if (!first || !young) continue;
          ASSERT_TRUE(std::any_of(store.in.snapshots.begin(), store.in.snapshots.end(),
                                  [&](const auto& s) { return s.version == item.version; }))
              << "seed " << seed << ", version " << item.version.value();
        }
      }
      for (const auto& item : store.in.snapshots) {
        if (!item.only_tiers) continue;
        EXPECT_TRUE(std::any_of(store.in.tiers.begin(), store.in.tiers.end(), [&](const KeepTier& tier) {
          return item.created_unix_ms + tier.for_seconds * 1000 >= store.in.now_unix_ms;
        }));
      }
      EXPECT_TRUE(PlanRetention(store.in).remove.empty()) << "a second prune finds nothing";
    }
  }
}

TEST(RetentionTiers, SnapshotThatTheLogDoesNotContinueIsNotHeld) {
  Store store;
  store.in.keep_recent = 0;
  store.in.tiers = {{kHour, kDay}};
  store.in.now_unix_ms += 2 * kHour * 1000;
  store.Snapshot();
  store.in.log_first = store.in.current;  // slots of the older one may be reused already
  const RetentionPlan plan = PlanRetention(store.in);
  EXPECT_TRUE(plan.hold.empty());
  EXPECT_EQ(plan.remove, std::vector{Version(10)});
}

TEST(RetentionTiers, NamedPinsAreNeitherCountedNorReleased) {
  Store store;
  store.in.keep_recent = 0;
  store.in.tiers = {{kHour, kDay}};
  store.in.snapshots[0].pinned = true;
  store.Snapshot();  // in the same hour
  store.in.now_unix_ms += 2 * kHour * 1000;
  store.Snapshot();
  EXPECT_EQ(store.Prune().hold, std::vector{Version(20)});
  store.in.now_unix_ms += 2 * kDay * 1000;
  store.Snapshot();
  const RetentionPlan later = store.Prune();
  EXPECT_EQ(later.release, std::vector{Version(20)});
  EXPECT_EQ(later.remove, (std::vector{Version(20), Version(30)}));
}

TEST(RetentionTiers, SnapshotFromTheFutureHidesNoOther) {
  Store store;
  store.in.keep_recent = 0;
  store.in.tiers = {{kHour, kDay}};
  store.in.snapshots[0].created_unix_ms += 365 * kDay * 1000;  // the clock was wrong
  store.Snapshot();
  store.in.now_unix_ms += 2 * kHour * 1000;
  store.Snapshot();
  EXPECT_EQ(store.Prune().hold, (std::vector{Version(10), Version(20)}));
}

TEST(RetentionTiers, WithoutTiersHeldSnapshotsAreReleased) {
  Store store;
  store.in.keep_recent = 0;
  store.in.tiers = {{kHour, kDay}};
  store.in.now_unix_ms += 2 * kHour * 1000;
  store.Snapshot();
  EXPECT_EQ(store.Prune().hold, std::vector{Version(10)});
  store.in.tiers.clear();
  const RetentionPlan plan = store.Prune();
  EXPECT_EQ(plan.release, std::vector{Version(10)});
  EXPECT_EQ(plan.remove, std::vector{Version(10)});
}

TEST(RetentionBudget, GivesUpTheOldestAndAsFewAsPossible) {
  const std::vector<HistoryCost> costs = {
      {Version(1), 10, true}, {Version(2), 10, false}, {Version(3), 10, true}, {Version(4), 10, false}};
  EXPECT_EQ(PlanBudget(costs, 40, 40), std::vector<Version>());
  EXPECT_EQ(PlanBudget(costs, 40, 39), std::vector{Version(1)});
  EXPECT_EQ(PlanBudget(costs, 40, 30), std::vector{Version(1)});
  EXPECT_EQ(PlanBudget(costs, 40, 29), (std::vector{Version(1), Version(3)}));
  EXPECT_EQ(PlanBudget(costs, 40, 0), (std::vector{Version(1), Version(3)})) << "never a pin or current";
}

}  // namespace
}  // namespace rawkv
