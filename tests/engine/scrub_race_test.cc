// A scrubber runs without rest, concurrently with commits, prunes, snapshots, pins and rollbacks. The device
// is so small that every slot is reused again and again. Nothing is damaged, so that every finding is an
// error.

#include <atomic>
#include <thread>

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class ScrubRaceTest : public EngineTest {
 protected:
  static constexpr int kCommitters = 3;

  void CommitUntilDone(int id) {
    Rng rng(1000 + static_cast<uint64_t>(id));
    for (uint64_t i = 0; !done_; ++i) {
      WriteBatch batch;
      const std::string key = "key" + std::to_string(rng.Below(12));
      if (rng.OneIn(6)) {
        batch.Delete(key);
      } else {
        batch.Put(key, MakeValue({rng.Next(), rng.Between(2000, 60'000)}));
      }
      const CommitResult result = engine_->Commit(batch);
      // A rollback refuses waiting commits, and pinned slots may fill the device.
      EXPECT_TRUE(result.ok() || result.outcome == CommitOutcome::kNotApplied) << result.status.ToString();
      ++commits_;
    }
  }

  void Maintain(uint64_t rounds) {
    Rng rng(7);
    for (uint64_t round = 0; round < rounds || !scrubbed_enough_; ++round) {
      const uint64_t goal = commits_ + 15;
      while (commits_ < goal) std::this_thread::yield();
      switch (round % 5) {
        case 0:
        case 1:
          EXPECT_OK(engine_->CreateSnapshot());
          break;
        case 2:
          EXPECT_OK(engine_->Prune(rng.Below(2)));
          break;
        case 3:
          if (engine_->Pin("held").ok()) {
            EXPECT_OK(engine_->Unpin("held"));
          }
          break;
        default: {
          ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine_->Info());
          const auto [first, last] = info.reachable.back();
          const Version target(rng.Between(first.value(), last.value()));
          const Status status = engine_->Rollback(target);
          // The prune of another round may have removed the target.
          EXPECT_TRUE(status.ok() || status.code() == StatusCode::kVersionUnreachable) << status.ToString();
          break;
        }
      }
    }
    done_ = true;
  }

  static constexpr uint64_t kEnough = 50;  // payloads

  std::atomic<bool> scrubbed_enough_{false};
  std::atomic<bool> done_{false};
  std::atomic<uint64_t> commits_{0};
};

TEST_F(ScrubRaceTest, ReusedSlotsAreNotReportedAsDamage) {
  format_.capacity_bytes = 4 * kMiB;
  format_.runtime.keep_recent = 1;
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  std::vector<std::thread> threads;
  for (int id = 0; id < kCommitters; ++id) threads.emplace_back([this, id] { CommitUntilDone(id); });
  threads.emplace_back([this] { Maintain(TestSteps(40)); });
  uint64_t passes = 0, payloads = 0;
  threads.emplace_back([&] {
    while (!done_) {
      // The rate is low, so that a slot has often been reused between its lookup and its read.
      const Result<ScrubReport> report = engine_->Scrub({.bytes_per_second = 2 * kMiB});
      EXPECT_OK(report);
      if (!report.ok()) {
        scrubbed_enough_ = true;
        break;
      }
      for (const Finding& f : report->findings)
        ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
      passes += report->complete ? 1 : 0;
      payloads += report->payloads;
      if (payloads > kEnough) scrubbed_enough_ = true;
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(passes, 0u);
  EXPECT_GT(payloads, kEnough);
  EXPECT_GT(engine_->stats().slots_reclaimed, Info().slots.total)
      << "no slots were reused: the test shows nothing";
}

}  // namespace
}  // namespace rawkv
