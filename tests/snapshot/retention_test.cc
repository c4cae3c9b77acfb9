#include "snapshot/retention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

namespace rawkv {
namespace {

// Invariant 2, checked for every version by its definition.
struct Model {
  explicit Model(const RetentionInput& i) : in(i) {}

  bool Unpinned(const RetentionInput::Item& s) const { return !s.pinned || s.version == in.current; }
  bool InLog(uint64_t v) const { return v >= in.log_first.value() && v <= in.log_last.value(); }
  bool Gapless(Version s) const {
    for (uint64_t v = s.value() + 1; v <= in.tip.value(); ++v) {
      if (!InLog(v)) return false;
    }
    return in.log_last >= in.tip;
  }
  Version Floor() const {
    std::set<Version> candidates;
    for (const auto& s : in.snapshots) {
      if (Unpinned(s) && Gapless(s.version)) candidates.insert(s.version);
    }
    return candidates.empty() ? in.current : *candidates.begin();
  }
  std::vector<Version> Removed() const {
    std::vector<Version> removed;
    for (const auto& s : in.snapshots) {
      if (!Unpinned(s) || s.version >= in.current) continue;
      const auto newer = std::count_if(in.snapshots.begin(), in.snapshots.end(), [&](const auto& o) {
        return Unpinned(o) && !o.uncounted && o.version > s.version;
      });
      if (!Gapless(s.version) || static_cast<uint64_t>(newer) > in.keep_recent) removed.push_back(s.version);
    }
    return removed;
  }

  const RetentionInput& in;
};

std::string Describe(const RetentionInput& in) {
  std::ostringstream out;
  for (const auto& s : in.snapshots) out << s.version.value() << (s.pinned ? "p " : s.uncounted ? "u " : " ");
  out << "| current " << in.current.value() << " tip " << in.tip.value() << " log " << in.log_first.value()
      << "…" << in.log_last.value() << " keep " << in.keep_recent;
  if (in.oldest_lease) out << " lease " << in.oldest_lease->value();
  return out.str();
}

// Every combination of absent, unpinned, pinned and uncounted snapshots at 0 … 5, `current`, log and limits.
void ForEachSmallCase(const std::function<void(const RetentionInput&)>& fn) {
  constexpr uint64_t kTip = 5;
  constexpr int kKinds = 4;
  for (int code = 1; code < 4096; ++code) {
    RetentionInput in;
    in.tip = Version(kTip);
    int rest = code;
    for (uint64_t v = 0; v <= kTip; ++v, rest /= kKinds) {
      const int kind = rest % kKinds;
      if (kind != 0)
        in.snapshots.push_back({.version = Version(v), .pinned = kind == 2, .uncounted = kind == 3});
    }
    for (const auto& current : in.snapshots) {
      in.current = current.version;
      for (uint64_t first = 0; first <= kTip + 1; ++first) {
        in.log_first = Version(first);
        for (const uint64_t last : {kTip - 1, kTip}) {
          in.log_last = Version(last);
          for (uint64_t keep = 0; keep < 3; ++keep) {
            in.keep_recent = keep;
            fn(in);
          }
        }
      }
    }
  }
}

TEST(Retention, AgreesWithTheDefinitionInEverySmallCase) {
  ForEachSmallCase([](const RetentionInput& in) {
    const Model model(in);
    ASSERT_EQ(ReachableFloor(in), model.Floor()) << Describe(in);
    ASSERT_EQ(PlanRetention(in).remove, model.Removed()) << Describe(in);
  });
}

TEST(Retention, KeptVersionsCanBeRebuilt) {
  ForEachSmallCase([](const RetentionInput& in) {
    const RetentionPlan plan = PlanRetention(in);
    RetentionInput after = in;
    std::erase_if(after.snapshots, [&](const auto& s) {
      return std::find(plan.remove.begin(), plan.remove.end(), s.version) != plan.remove.end();
    });
    ASSERT_GE(plan.floor, ReachableFloor(in)) << Describe(in);
    ASSERT_EQ(plan.floor, ReachableFloor(after)) << Describe(in);
    ASSERT_EQ(plan.keep_log_from, Next(plan.floor)) << Describe(in);
    // Then the log is dropped, too: every version stays, and a second run removes nothing.
    after.log_first = std::max(in.log_first, plan.keep_log_from);
    if (Model(in).Gapless(in.current)) {
      ASSERT_TRUE(Model(after).Gapless(plan.floor)) << Describe(in);
      ASSERT_EQ(ReachableFloor(after), plan.floor) << Describe(in);
      ASSERT_TRUE(PlanRetention(after).remove.empty()) << Describe(in);
    }
    for (const auto& s : in.snapshots) {
      const bool must_stay = s.pinned || s.version >= in.current;
      const bool stays = std::any_of(after.snapshots.begin(), after.snapshots.end(),
                                     [&](const auto& o) { return o.version == s.version; });
      ASSERT_TRUE(stays || !must_stay) << Describe(in);
    }
  });
}

// Snapshots that a store makes for its log bytes leave every version readable that would be readable without
// them, and stay as near to the versions as they are.
TEST(Retention, UncountedSnapshotsNeitherShortenTheHistoryNorThinIt) {
  ForEachSmallCase([](const RetentionInput& in) {
    const Model model(in);
    const RetentionPlan plan = PlanRetention(in);
    const auto uncounted = [](const auto& s) { return s.uncounted; };
    RetentionInput without = in;
    std::erase_if(without.snapshots, uncounted);
    const bool has_base = std::any_of(without.snapshots.begin(), without.snapshots.end(), [&](const auto& s) {
      return model.Unpinned(s) && model.Gapless(s.version);
    });
    const bool same_current = std::any_of(without.snapshots.begin(), without.snapshots.end(),
                                          [&](const auto& s) { return s.version == in.current; });
    if (has_base && same_current) ASSERT_LE(plan.floor, PlanRetention(without).floor) << Describe(in);
    for (const Version v : plan.remove) ASSERT_TRUE(v < plan.floor || !model.Gapless(v)) << Describe(in);
  });
}

RetentionInput Five() {
  RetentionInput in;
  for (const uint64_t v : {10, 20, 30, 40, 50}) in.snapshots.push_back({.version = Version(v)});
  in.current = Version(50);
  in.tip = Version(57);
  in.log_first = Version(11);
  in.log_last = Version(57);
  return in;
}

TEST(Retention, KeepsTheNewestAndKeepRecentMore) {
  const RetentionPlan plan = PlanRetention(Five());
  EXPECT_EQ(plan.remove, (std::vector<Version>{Version(10), Version(20)}));
  EXPECT_EQ(plan.floor, Version(30));
  EXPECT_EQ(plan.keep_log_from, Version(31));
}

TEST(Retention, PinnedSnapshotsAreNotCounted) {
  RetentionInput in = Five();
  in.snapshots[3].pinned = true;
  EXPECT_EQ(PlanRetention(in).remove, std::vector<Version>{Version(10)});
  EXPECT_EQ(PlanRetention(in).floor, Version(20));
}

TEST(Retention, UncountedSnapshotsGoWithTheCountedOneBelowThem) {
  RetentionInput in = Five();
  in.snapshots[1].uncounted = in.snapshots[3].uncounted = true;
  in.keep_recent = 1;
  // 50 and 30 count, and 40 lies between them.
  EXPECT_EQ(PlanRetention(in).remove, (std::vector<Version>{Version(10), Version(20)}));
  in.keep_recent = 2;
  EXPECT_TRUE(PlanRetention(in).remove.empty());
  in.keep_recent = 0;
  EXPECT_EQ(PlanRetention(in).remove,
            (std::vector<Version>{Version(10), Version(20), Version(30), Version(40)}));
}

TEST(Retention, UncountedCurrentDoesNotCount) {
  RetentionInput in = Five();
  in.snapshots[4].uncounted = true;
  in.keep_recent = 1;
  EXPECT_EQ(PlanRetention(in).floor, Version(30));
}

TEST(Retention, PinnedCurrentCountsAsUnpinned) {
  RetentionInput in = Five();
  in.snapshots[4].pinned = true;
  in.keep_recent = 0;
  EXPECT_EQ(PlanRetention(in).remove.size(), 4u);
  EXPECT_EQ(PlanRetention(in).floor, Version(50));
}

// The log begins well below the floor, not right after it.
TEST(Retention, LogThatBeginsBelowTheFloorHasNoGap) {
  RetentionInput in = Five();
  in.log_first = Version(1);
  EXPECT_EQ(ReachableFloor(in), Version(10));
  in.log_first = Version(12);
  EXPECT_EQ(ReachableFloor(in), Version(20));
}

TEST(Retention, UnpinnedSnapshotWithoutItsLogIsRemoved) {
  RetentionInput in = Five();
  in.keep_recent = 9;
  in.log_first = Version(31);
  EXPECT_EQ(PlanRetention(in).remove, (std::vector<Version>{Version(10), Version(20)}));
  in.snapshots[0].pinned = true;
  EXPECT_EQ(PlanRetention(in).remove, std::vector<Version>{Version(20)});
}

TEST(Retention, SnapshotAboveCurrentStays) {
  RetentionInput in = Five();
  in.current = Version(40);
  in.keep_recent = 0;
  EXPECT_EQ(PlanRetention(in).remove.size(), 3u);
  EXPECT_EQ(PlanRetention(in).floor, Version(40));
}

TEST(Retention, LeaseKeepsTheLogAfterItsBase) {
  RetentionInput in = Five();
  in.oldest_lease = Version(10);
  EXPECT_EQ(PlanRetention(in).keep_log_from, Version(11));
  EXPECT_EQ(PlanRetention(in).floor, Version(30));
  in.oldest_lease = Version(40);
  EXPECT_EQ(PlanRetention(in).keep_log_from, Version(31));
}

TEST(Retention, LimitsDoNotOverflow) {
  RetentionInput in = Five();
  in.keep_recent = ~uint64_t{0};
  EXPECT_TRUE(PlanRetention(in).remove.empty());
  in.log_first = Version(0);
  EXPECT_EQ(ReachableFloor(in), Version(10));
  in.snapshots.front().version = Version(0);
  in.log_first = Version(1);
  EXPECT_EQ(ReachableFloor(in), Version(0));
}

}  // namespace
}  // namespace rawkv
