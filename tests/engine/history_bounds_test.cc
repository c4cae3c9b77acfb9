// History that stays by tiers, and history that is given up for space and reported.

#include <algorithm>

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

constexpr uint64_t kHourMs = 3'600'000;

// A clock that the test sets.
class SetClock final : public Clock {
 public:
  uint64_t NowUnixMs() override { return now_unix_ms; }
  uint64_t MonotonicNs() override { return SystemClock().MonotonicNs(); }
  uint64_t now_unix_ms = 1'700'000'000'000 / kHourMs * kHourMs;
};

class HistoryBoundsTest : public EngineTest {
 protected:
  HistoryBoundsTest() {
    format_.runtime = {.snapshot_interval = 0,
                       .keep_recent = 0,
                       .wal_segment_bytes = 64 * kKiB,
                       .durability = Durability::kUnsafeUnsynced};
    open_.env.clock = format_.env.clock = &clock_;
  }
  // A version in each quarter of an hour, and a snapshot of each.
  void Hours(int hours) {
    for (int quarter = 0; quarter < 4 * hours; ++quarter) {
      Overwrite("k", 1);
      ASSERT_OK(engine_->CreateSnapshot());
      clock_.now_unix_ms += kHourMs / 4;
    }
  }
  uint64_t HistoryBytes() {
    const EngineInfo info = Info();
    uint64_t bytes = info.pinned_shared * info.slot_bytes;
    for (const rawkv::PinnedBy& holder : info.pinned_by) {
      bytes += holder.slots * info.slot_bytes + holder.log_bytes + holder.table_bytes;
    }
    return bytes;
  }

  SetClock clock_;
};

TEST_F(HistoryBoundsTest, TiersHoldSingleVersionsAndGiveThemBack) {
  format_.runtime.keep_tiers = {{3600, 5 * 3600}};
  FormatAndOpen();
  Hours(4);
  // The first of each hour, and the newest. Version 0 was made with the store, in the first hour.
  EXPECT_EQ(Snapshots(), (std::vector{Version(0), Version(5), Version(9), Version(13), Version(16)}));
  const VersionRanges single = {{Version(0), Version(0)},
                                {Version(5), Version(5)},
                                {Version(9), Version(9)},
                                {Version(13), Version(13)},
                                {Version(16), Version(16)}};
  EXPECT_EQ(Info().reachable, single);
  Overwrite("other", 300);  // reuses every slot that may be reused
  Reopen();
  for (const uint64_t v : {5, 9, 13}) {
    EXPECT_EQ(Get("k", Version(v)), OneSlot(v)) << v;
    EXPECT_EQ(PinnedBy("tier", std::to_string(v)), 1u);
  }
  EXPECT_STATUS(engine_->OpenView(Version(6)).status(), StatusCode::kVersionUnreachable);
  clock_.now_unix_ms += 4 * kHourMs;
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(Snapshots(), (std::vector{Version(13), Version(316)})) << "the others are too old";
  ASSERT_OK(engine_->ChangeSettings({.keep_tiers = KeepTiers()}));
  ASSERT_OK(engine_->Prune());
  EXPECT_EQ(Snapshots(), std::vector{Version(316)});
}

TEST_F(HistoryBoundsTest, TiersBlockNoRollback) {
  format_.runtime.keep_tiers = {{3600, 86400}};
  FormatAndOpen();
  Hours(3);
  ASSERT_OK(engine_->Rollback(Version(5)));
  EXPECT_EQ(engine_->version(), Version(5));
  EXPECT_EQ(Get("k"), OneSlot(5));
  EXPECT_EQ(Snapshots(), (std::vector{Version(0), Version(5)}));
  Hours(3);
  Reopen();
  EXPECT_EQ(Get("k", Version(5)), OneSlot(5));
}

TEST_F(HistoryBoundsTest, NobodyElseTakesTheNameOfATier) {
  FormatAndOpen();
  EXPECT_STATUS(engine_->Pin("keep_tiers:1").status(), StatusCode::kInvalidArgument, "keep_tiers");
}

TEST_F(HistoryBoundsTest, BudgetGivesUpTheOldestButNoPinAndReportsIt) {
  format_.runtime.keep_recent = 1000;
  format_.runtime.history_bytes_max = 256 * kKiB;
  FormatAndOpen();
  Overwrite("k", 10);
  ASSERT_OK(engine_->Pin("release"));
  Version last_floor;
  for (int round = 0; round < 40; ++round) {
    Overwrite("k", 10);
    ASSERT_OK(engine_->CreateSnapshot());
    EXPECT_LE(HistoryBytes(), 256 * kKiB);
    const VersionRanges reachable = Info().reachable;
    EXPECT_GE(reachable.back().first, last_floor) << "the oldest goes first";
    last_floor = reachable.back().first;
    EXPECT_EQ(Get("k", Version(10)), OneSlot(10)) << "a pin stays";
  }
  EXPECT_GT(last_floor, Version(20)) << "there was room for all: the test shows nothing";
  EXPECT_LT(last_floor, Version(400)) << "as few as possible go";
  const std::optional<GivenUp> lost = Info().given_up;
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->first, Version(0));
  EXPECT_EQ(lost->last, Previous(last_floor));
  EXPECT_EQ(lost->versions, last_floor.value());
  EXPECT_EQ(lost->cause, GivenUpCause::kBudget);
  EXPECT_EQ(lost->unix_ms, clock_.now_unix_ms);
  EXPECT_EQ(engine_->stats().versions_given_up, last_floor.value());
  EXPECT_NE(logger_.text().find("history took more than history_bytes_max"), std::string::npos);
  Reopen();
  EXPECT_EQ(Info().given_up, lost) << "it survives a reopen";
  ASSERT_OK(engine_->AcknowledgeGivenUp());
  ASSERT_OK(engine_->AcknowledgeGivenUp());
  EXPECT_FALSE(Info().given_up.has_value());
  Reopen();
  EXPECT_FALSE(Info().given_up.has_value());
}

TEST_F(HistoryBoundsTest, BudgetGivesUpWhatTiersHoldToo) {
  format_.runtime.keep_tiers = {{3600, 86400}};
  FormatAndOpen();
  Hours(6);
  const size_t held = Snapshots().size();
  ASSERT_GE(held, 6u);
  ASSERT_OK(engine_->ChangeSettings({.history_bytes_max = 1}));
  Hours(1);
  EXPECT_EQ(Snapshots().size(), 1u);
  ASSERT_TRUE(Info().given_up.has_value());
  EXPECT_EQ(Info().given_up->first, Version(0));
}

TEST_F(HistoryBoundsTest, FullDeviceIsReportedUntilItIsAcknowledged) {
  format_.capacity_bytes = 2 * kMiB;
  format_.runtime.keep_recent = 1000;
  FormatAndOpen();
  for (int i = 0; i < 20; ++i) {
    Overwrite("k", 50);
    ASSERT_OK(engine_->CreateSnapshot());
  }
  const std::optional<GivenUp> lost = Info().given_up;
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->cause, GivenUpCause::kNoSlots);
  EXPECT_EQ(lost->versions, engine_->stats().versions_given_up);
  EXPECT_EQ(Info().reachable.front().first, Next(lost->last));
}

TEST_F(HistoryBoundsTest, InfoShowsWhatSnapshotsCost) {
  format_.runtime.keep_recent = 10;
  FormatAndOpen();
  for (int i = 0; i < 3; ++i) {
    for (int n = 0; n < 100; ++n)
      Put("key" + std::to_string(n), std::string(1000, static_cast<char>('a' + i)));
    ASSERT_OK(engine_->CreateSnapshot());
  }
  uint64_t log_bytes = 0, table_bytes = 0;
  for (const rawkv::PinnedBy& holder : Info().pinned_by) {
    EXPECT_EQ(holder.kind, "snapshot");
    log_bytes += holder.log_bytes;
    table_bytes += holder.table_bytes;
  }
  EXPECT_GE(log_bytes, 200 * kKiB) << "the log of 200 versions of a kilobyte";
  const uint64_t log_before = log_bytes;
  ASSERT_OK(engine_->Prune(0));
  EXPECT_TRUE(Info().pinned_by.empty()) << log_before << " bytes of log, " << table_bytes << " of tables";
}

}  // namespace
}  // namespace rawkv
