// How long it takes to reach an old version is estimated from the sizes of the log's segments, and from the
// last replay of this engine if there was one.

#include <cmath>

#include "engine/admin/repair.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class ReplayEstimateTest : public EngineTest {
 protected:
  // Versions 1 … 3,000 of about 1.1 KiB of log each, in segments of 1 MiB, and no undo records.
  void SetUp() override {
    open_.settings.undo_versions = 0;
    open_.settings.snapshot_interval = 0;
    open_.settings.wal_segment_bytes = kMiB;
    open_.settings.durability = Durability::kUnsafeUnsynced;
    FormatAndOpen();
    for (uint64_t i = 1; i <= kVersions; ++i) Put("key" + std::to_string(i % 100), std::string(1000, 'v'));
    record_bytes_ = static_cast<double>(engine_->stats().log_bytes_written) / kVersions;
  }

  ReplayEstimate Estimate(Version version) {
    Result<ReplayEstimate> estimate = engine_->EstimateView(version);
    EXPECT_OK(estimate);
    return estimate.ok() ? *estimate : ReplayEstimate{};
  }
  // The estimate of this many equal records, within 2 %.
  void ExpectRecords(const ReplayEstimate& estimate, uint64_t records) const {
    EXPECT_EQ(estimate.undo_versions, 0u);
    EXPECT_EQ(estimate.replay_records, records);
    const double bytes = record_bytes_ * static_cast<double>(records);
    EXPECT_NEAR(static_cast<double>(estimate.replay_bytes), bytes, bytes / 50);
  }

  static constexpr uint64_t kVersions = 3000;
  static constexpr uint64_t kAssumed = 10 * kMiB;
  double record_bytes_ = 0;
};

TEST_F(ReplayEstimateTest, BytesAreThoseOfTheRecordsToReplay) {
  ExpectRecords(Estimate(Version(2900)), 2900);  // three whole segments and a part of one
  ExpectRecords(Estimate(Version(500)), 500);    // a part of the first one
  ASSERT_OK(engine_->CreateSnapshot());
  ExpectRecords(Estimate(Version(2900)), 2900);
  for (int i = 0; i < 100; ++i) Put("key", std::string(1000, 'v'));
  ExpectRecords(Estimate(Version(3050)), 50);  // from the snapshot, in a segment that ends in zeros
}

TEST_F(ReplayEstimateTest, RateIsThatOfTheNewestReplay) {
  const ReplayEstimate before = Estimate(Version(2000));
  EXPECT_FALSE(before.measured);
  EXPECT_EQ(before.bytes_per_second, kAssumed);
  EXPECT_NEAR(before.seconds(), 2000 * record_bytes_ / kAssumed, 0.01);
  EXPECT_EQ(engine_->stats().replay_bytes_per_second, 0u);

  EXPECT_EQ(View(Version(100))->version(), Version(100));
  EXPECT_FALSE(Estimate(Version(2000)).measured) << "a replay of 100 KiB shows no rate";
  EXPECT_EQ(View(Version(2500))->version(), Version(2500));
  const ReplayEstimate after = Estimate(Version(2000));
  EXPECT_TRUE(after.measured);
  EXPECT_GT(after.bytes_per_second, 0u);
  EXPECT_EQ(after.bytes_per_second, engine_->stats().replay_bytes_per_second);
  EXPECT_EQ(after.replay_bytes, before.replay_bytes);
}

TEST_F(ReplayEstimateTest, ReplayOfAnOpenCounts) {
  ReopenKilled();
  EXPECT_TRUE(Estimate(Version(2000)).measured);
}

TEST_F(ReplayEstimateTest, WaysWithoutAReplayTakeNoTime) {
  ASSERT_OK(engine_->CreateSnapshot());  // 3000
  open_.settings.undo_versions = 128;
  Reopen();
  for (int i = 0; i < 10; ++i) Put("key", "v");

  const ReplayEstimate undone = Estimate(Version(3007));
  EXPECT_EQ(undone.undo_versions, 3u);
  EXPECT_EQ(undone.replay_records, 0u);
  EXPECT_EQ(undone.seconds(), 0);
  for (const Version version : {Version(3000), Version(3010)}) {  // a snapshot, and the tip
    SCOPED_TRACE(version.value());
    EXPECT_EQ(Estimate(version).undo_versions, 0u);
    EXPECT_EQ(Estimate(version).replay_records, 0u);
    EXPECT_EQ(Estimate(version).replay_bytes, 0u);
  }
  EXPECT_STATUS(engine_->EstimateView(Version(3011)), StatusCode::kVersionUnreachable);
}

TEST_F(ReplayEstimateTest, PlanOfARollbackHasTheEstimate) {
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, engine_->PlanRollback(Version(2000)));
  ExpectRecords(plan.estimate, 2000);
  EXPECT_FALSE(plan.estimate.measured);
  Close();
  ASSERT_OK_AND_ASSIGN(const RollbackPlan closed, PlanOfflineRollback(dir_, Version(2000), {}, open_));
  EXPECT_EQ(closed.estimate.bytes_per_second, kAssumed);
  ExpectRecords(closed.estimate, 2000);
  ASSERT_OK_AND_ASSIGN(const RollbackPlan none, PlanOfflineRollback(dir_, Version(kVersions), {}, open_));
  EXPECT_EQ(none.estimate.replay_records, 0u);
  Open();
}

TEST_F(ReplayEstimateTest, ReaderAlongsideAWriterEstimatesToo) {
  OpenOptions reading = open_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, Engine::Open(dir_, reading));
  ASSERT_OK_AND_ASSIGN(const ReplayEstimate estimate, reader->EstimateView(Version(2000)));
  ExpectRecords(estimate, 2000);
  ASSERT_OK(reader->Close());
}

}  // namespace
}  // namespace rawkv
