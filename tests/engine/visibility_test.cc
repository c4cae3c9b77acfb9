// Readers, version() and rollbacks run at the same time: what they see of each other.

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "base/fork_guard.h"
#include "engine/index/key_index.h"
#include "engine/read/views.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class VisibilityTest : public EngineTest {
 protected:
  // Commits until `stop`. Each commit has 20 inline values, so that applying a group takes a while.
  void CommitUntil(const std::atomic<bool>& stop) {
    while (!stop) {
      WriteBatch batch;
      for (int i = 0; i < 20; ++i) batch.Put("k" + std::to_string(i), "value");
      EXPECT_OK(engine_->Commit(batch));
    }
  }
};

TEST_F(VisibilityTest, ReadIsNeverNewerThanTheVersionReportedAfterwards) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Put("k0", "value");
  std::atomic<bool> stop{false};
  std::thread committer([&] { CommitUntil(stop); });
  uint64_t views = 0;
  for (uint64_t i = 0; i < 30'000 && !HasFailure(); ++i) {
    const Version before = engine_->version();
    ASSERT_OK_AND_ASSIGN(const Value value, engine_->Get("k0"));
    ASSERT_LE(value.written_by, engine_->version());
    ASSERT_GE(value.written_by, before) << "every version writes the key";
    if (i % 16 != 0) continue;
    const std::shared_ptr<const ReadView> view = View();
    ASSERT_LE(view->version(), engine_->version());
    ASSERT_GE(view->version(), before);
    if (i % 256 != 0) continue;
    EXPECT_OK(engine_->GetCommit(view->version())) << "the view holds this version";
    const EngineInfo info = Info();
    EXPECT_LE(view->version(), info.version);
    EXPECT_LE(info.durable_version, info.version);
    ++views;
  }
  stop = true;
  committer.join();
  EXPECT_GT(views, 0u);
}

// Whether a rollback was refused: its version is unreachable, or a view or another rollback blocks it.
bool IsRefusal(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition || status.code() == StatusCode::kVersionUnreachable;
}

TEST_F(VisibilityTest, ConcurrentRollbacksRunOneAfterTheOther) {
  FormatAndOpen();
  ASSERT_OK(engine_->CreateSnapshot());
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> applied{0}, done{0};
  std::vector<std::thread> committers;
  for (int t = 0; t < 2; ++t) {
    committers.emplace_back([&, t] {
      for (uint64_t i = 0; !stop; ++i) {
        WriteBatch batch;
        batch.Put("k" + std::to_string(t), OneSlot(i));
        const CommitResult result = engine_->Commit(batch);
        EXPECT_TRUE(result.ok() || result.outcome == CommitOutcome::kNotApplied) << result.status.ToString();
        applied += result.ok() ? 1 : 0;
      }
    });
  }
  std::vector<std::thread> rollers;
  for (int t = 0; t < 3; ++t) {
    rollers.emplace_back([&] {
      for (int round = 0; round < 8 && !HasFailure(); ++round) {
        const uint64_t goal = applied + 4;
        while (applied < goal) std::this_thread::yield();
        const uint64_t tip = engine_->version().value();
        const Status status = engine_->Rollback(Version(tip - std::min<uint64_t>(tip, 3)));
        EXPECT_TRUE(status.ok() || IsRefusal(status)) << status.ToString();
        done += status.ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : rollers) thread.join();
  stop = true;
  for (std::thread& thread : committers) thread.join();
  EXPECT_GT(done, 0u);
  const Version tip = engine_->version();
  EXPECT_EQ(Put("after", "value"), Next(tip));
  Reopen();
  EXPECT_EQ(engine_->version(), Next(tip));
}

TEST_F(VisibilityTest, ReadsAndTipViewsContinueWhileARollbackBuildsItsIndex) {
  std::atomic<bool> rolling_back{false};
  bool asked = false, answered = false;
  std::future<void> reads;
  open_.progress = [&](const Progress&) {
    if (!rolling_back || asked) return;
    asked = true;
    reads = std::async(std::launch::async, [&] {
      EXPECT_EQ(Get("k"), OneSlot(10));
      EXPECT_EQ(View()->version(), Version(10));
    });
    answered = reads.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  };
  FormatAndOpen();
  open_.progress = {};  // the engine has its own copy; the check after the test must not call it
  Overwrite("k", 10);
  rolling_back = true;
  ASSERT_OK(engine_->Rollback(Version(5)));
  ASSERT_TRUE(asked) << "the rollback replayed no records: the test shows nothing";
  EXPECT_TRUE(answered) << "a read waited for the rollback";
  reads.get();
  EXPECT_EQ(engine_->version(), Version(5));
}

TEST_F(VisibilityTest, ViewOpenedDuringARollbackBlocksItAndNothingChanges) {
  std::atomic<bool> rolling_back{false};
  std::shared_ptr<const ReadView> view;
  open_.progress = [&](const Progress&) {
    if (rolling_back.exchange(false)) view = View();
  };
  FormatAndOpen();
  open_.progress = {};
  Overwrite("k", 10);
  const Lineage lineage = Info().lineage;
  rolling_back = true;
  EXPECT_STATUS(engine_->Rollback(Version(5)), StatusCode::kFailedPrecondition, "view 10 at version 10");
  EXPECT_EQ(engine_->version(), Version(10));
  EXPECT_EQ(Info().lineage, lineage);
  EXPECT_EQ(Info().health, "ok");
  EXPECT_EQ(Listing().count("ROLLBACK"), 0u);
  EXPECT_EQ(Listing().count("working.new"), 0u);
  EXPECT_EQ(Put("k", OneSlot(11)), Version(11));
  ASSERT_NE(view, nullptr);
  view.reset();
  ASSERT_OK(engine_->Rollback(Version(5)));
  EXPECT_EQ(Get("k"), OneSlot(5));
}

TEST_F(VisibilityTest, GetCommitAnswersForAVersionThatOnlyAViewHolds) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("k", OneSlot(1));
  batch.SetMetadata("height 1");
  const Version held = engine_->Commit(batch).version;
  std::shared_ptr<const ReadView> view = View();
  Overwrite("k", 2);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  ASSERT_OK_AND_ASSIGN(const CommitRecord commit, engine_->GetCommit(held));
  EXPECT_EQ(commit.version, held);
  EXPECT_EQ(commit.metadata, "height 1");
  EXPECT_EQ(commit.lineage, Info().lineage);
  view.reset();
  EXPECT_STATUS(engine_->GetCommit(held), StatusCode::kVersionUnreachable);
}

TEST_F(VisibilityTest, PlanAndRollbackAgreeOnViewsOfTheTipBelowTheTarget) {
  FormatAndOpen();
  Overwrite("k", 3);
  std::shared_ptr<const ReadView> view = View();  // at 3
  Overwrite("k", 3);
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, engine_->PlanRollback(Version(5)));
  EXPECT_EQ(plan.blocked_by, std::vector<std::string>{"view 3 at version 3"});
  EXPECT_STATUS(engine_->Rollback(Version(5)), StatusCode::kFailedPrecondition, "view 3 at version 3");
  // Views do not block a rollback to the tip, which changes nothing.
  EXPECT_TRUE(engine_->PlanRollback(Version(6))->blocked_by.empty());
  EXPECT_OK(engine_->Rollback(Version(6)));
  view = View(Version(4));  // a clone view does not read the working index
  EXPECT_TRUE(engine_->PlanRollback(Version(5))->blocked_by.empty());
  ASSERT_OK(engine_->Rollback(Version(5)));
  ASSERT_OK_AND_ASSIGN(const Value old, engine_->Get("k", {.view = view.get()}));
  EXPECT_EQ(old.bytes, OneSlot(4));
}

// A rollback closes the working index as soon as no view of it is listed.
TEST_F(VisibilityTest, ViewIsListedUntilItReleasesItsIndex) {
  FormatAndOpen();
  Put("k", "value");
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK_AND_ASSIGN(
      std::unique_ptr<KeyIndex> index,
      KeyIndex::Open({.dir = Path("snapshot-00000000000000000001/index"), .read_only = true}));
  const ForkGuard process;
  ViewRegistry views(process);
  std::vector<VersionHold> when_released;
  {
    std::shared_ptr<KeyIndex> shared(index.get(), [&](KeyIndex*) { when_released = views.Holds(); });
    ASSERT_OK(views.OpenTip(shared, "view"));  // opened and closed again
    EXPECT_TRUE(views.Empty());
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const EngineView> view, views.OpenTip(shared, "view"));
    shared.reset();
    EXPECT_TRUE(when_released.empty());
  }
  ASSERT_EQ(when_released.size(), 1u);
  EXPECT_TRUE(when_released[0].on_live_index);
  EXPECT_TRUE(views.Empty());
}

}  // namespace
}  // namespace rawkv
