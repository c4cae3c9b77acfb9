// A rollback takes effect in one instant, reaches every retained version, and removes the versions above the
// target permanently (invariants 4 and 6).

#include <atomic>
#include <filesystem>
#include <thread>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class RollbackTest : public EngineTest {
 protected:
  // Commits up to version `last`. Version n writes a payload under "k" and adds the key "v<n>".
  void Write(uint64_t last) {
    while (engine_->version() < Version(last)) {
      const uint64_t next = engine_->version().value() + 1;
      WriteBatch batch;
      batch.Put("k", OneSlot(next));
      batch.Put("v" + std::to_string(next), OneSlot(1000 + next));
      ASSERT_OK(engine_->Commit(batch));
    }
  }
  void ExpectAt(uint64_t version) {
    EXPECT_EQ(engine_->version(), Version(version));
    EXPECT_EQ(engine_->durable_version(), Version(version));
    EXPECT_EQ(Get("k"), OneSlot(version));
    EXPECT_TRUE(Has("v" + std::to_string(version)));
    EXPECT_FALSE(Has("v" + std::to_string(version + 1)));
    EXPECT_EQ(Info().slots.live, 1 + version);
    EXPECT_EQ(Info().reachable.back().second, Version(version));
    EXPECT_STATUS(engine_->OpenView(Version(version + 1)), StatusCode::kVersionUnreachable);
    EXPECT_FALSE(fs::exists(Path("ROLLBACK")));
    EXPECT_FALSE(fs::exists(Path("working.new")));
  }
  // Makes versions 1 to 10 with snapshots at 4 and 8.
  void WriteTen() {
    FormatAndOpen();
    Write(4);
    ASSERT_OK(engine_->CreateSnapshot());
    Write(8);
    ASSERT_OK(engine_->CreateSnapshot());
    Write(10);
  }
};

TEST_F(RollbackTest, RollsBackToEveryVersion) {
  WriteTen();
  for (uint64_t target = 10; target >= 1; --target) {
    ASSERT_OK(engine_->Rollback(Version(target)));
    ExpectAt(target);
    for (uint64_t v = 1; v <= target; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  }
  ASSERT_OK(engine_->Rollback(Version(0)));
  EXPECT_FALSE(Has("k"));
  EXPECT_EQ(Info().slots.live, 0);
  EXPECT_EQ(Snapshots(), std::vector{Version(0)});
  Reopen();
  EXPECT_EQ(engine_->version(), Version(0));
}

TEST_F(RollbackTest, NewCommitsFollowTheTargetAndSurviveReopening) {
  WriteTen();
  for (const uint64_t target : {9u, 8u, 6u, 4u, 3u}) {
    ASSERT_OK(engine_->Rollback(Version(target)));
    EXPECT_EQ(Put("branch", OneSlot(100 + target)), Version(target + 1));
    ReopenKilled();
    EXPECT_EQ(engine_->version(), Version(target + 1));
    EXPECT_EQ(Get("branch"), OneSlot(100 + target));
    EXPECT_EQ(Get("k"), OneSlot(target));
    EXPECT_EQ(Get("k", Version(target)), OneSlot(target));
    EXPECT_FALSE(Has("branch", Version(target)));
    Reopen();
    EXPECT_EQ(Get("branch"), OneSlot(100 + target));
  }
}

TEST_F(RollbackTest, EachBranchHasItsOwnLineage) {
  WriteTen();
  const Lineage first = Info().lineage;
  ASSERT_OK(engine_->Rollback(Version(6)));
  const Lineage second = Info().lineage;
  EXPECT_NE(first, second);
  Write(7);
  EXPECT_EQ(engine_->GetCommit(Version(6))->lineage, first);
  EXPECT_EQ(engine_->GetCommit(Version(7))->lineage, second);
  EXPECT_EQ(Info().snapshots.back().lineage, first);
}

TEST_F(RollbackTest, StoreFileDoesNotGrowWithTheNumberOfRollbacks) {
  WriteTen();
  ASSERT_OK(engine_->Rollback(Version(6)));
  ASSERT_OK(engine_->Rollback(Version(5)));
  const uint64_t size = fs::file_size(Path("STORE"));
  for (uint64_t round = 0; round < 30; ++round) {
    EXPECT_EQ(Put("branch", OneSlot(round)), Version(6));
    ASSERT_OK(engine_->Rollback(Version(5)));
  }
  EXPECT_EQ(fs::file_size(Path("STORE")), size);
  ExpectAt(5);
  EXPECT_EQ(Put("branch", OneSlot(99)), Version(6));
  ReopenKilled();
  EXPECT_EQ(Get("branch"), OneSlot(99));
  for (uint64_t v = 1; v <= 5; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
}

TEST_F(RollbackTest, RollbackToTheTipChangesNothing) {
  WriteTen();
  const Lineage lineage = Info().lineage;
  const auto view = View();
  EXPECT_OK(engine_->Rollback(Version(10)));
  EXPECT_EQ(Info().lineage, lineage);
  EXPECT_FALSE(engine_->PlanRollback(Version(10))->versions_dropped);
  EXPECT_EQ(Get("k"), OneSlot(10));
}

TEST_F(RollbackTest, PlanListsTheEffectsOfARollback) {
  WriteTen();
  ASSERT_OK(engine_->Pin("p", Version(8)));
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, engine_->PlanRollback(Version(6)));
  EXPECT_EQ(plan.from, Version(10));
  EXPECT_EQ(plan.to, Version(6));
  EXPECT_EQ(plan.base, Version(4));
  EXPECT_EQ(plan.records, 2);
  EXPECT_EQ(plan.versions_dropped, std::pair(Version(7), Version(10)));
  EXPECT_EQ(plan.snapshots_dropped, std::vector{Version(8)});
  EXPECT_EQ(plan.pins_dropped, (std::vector{std::pair(std::string("p"), Version(8))}));
  EXPECT_EQ(plan.blocked_by.size(), 1);
  EXPECT_TRUE(engine_->PlanRollback(Version(6), {.drop_pins = true})->blocked_by.empty());
  EXPECT_EQ(engine_->version(), Version(10));
}

TEST_F(RollbackTest, PrunedVersionsAreUnreachable) {
  WriteTen();
  ASSERT_OK(engine_->Prune(0));
  for (const uint64_t v : {0u, 3u, 4u, 7u, 11u}) {
    EXPECT_STATUS(engine_->Rollback(Version(v)), StatusCode::kVersionUnreachable, std::to_string(v), "8…10");
    EXPECT_STATUS(engine_->PlanRollback(Version(v)), StatusCode::kVersionUnreachable);
  }
  ExpectAt(10);
  ASSERT_OK(engine_->Rollback(Version(8)));
  ExpectAt(8);
}

TEST_F(RollbackTest, RollsBackToAPinnedSnapshotBelowTheLog) {
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  Write(3);
  ASSERT_OK(engine_->Pin("low"));
  Write(5);
  ASSERT_OK(engine_->Pin("high"));
  for (int i = 0; i < 100; ++i) Put("filler", std::string(1000, 'f'));
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  ASSERT_GT(ListLog(dir_, open_)->front().first, Version(6));
  EXPECT_STATUS(engine_->Rollback(Version(4)), StatusCode::kVersionUnreachable);

  ASSERT_OK(engine_->Rollback(Version(5)));
  ExpectAt(5);
  EXPECT_EQ(Snapshots(), (std::vector{Version(3), Version(5)}));
  EXPECT_EQ(Get("k", Version(3)), OneSlot(3));
  Write(7);
  ReopenKilled();
  ExpectAt(7);
  for (uint64_t v = 5; v <= 7; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));

  ASSERT_OK(engine_->Rollback(Version(3), {.drop_pins = true}));
  ExpectAt(3);
  Write(4);
  Reopen();
  ExpectAt(4);
}

TEST_F(RollbackTest, RollsBackToAPinWhoseSuccessorsWereReused) {
  FormatAndOpen();
  Write(3);
  ASSERT_OK(engine_->Pin("p"));
  Write(9);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  Write(12);
  EXPECT_STATUS(engine_->Rollback(Version(5)), StatusCode::kVersionUnreachable);
  ASSERT_OK(engine_->Rollback(Version(3)));
  ExpectAt(3);
  Write(6);
  for (uint64_t v = 3; v <= 6; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  ASSERT_OK(engine_->Unpin("p"));
  Reopen();
  for (uint64_t v = 3; v <= 6; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
}

TEST_F(RollbackTest, PinsAboveTheTargetBlockUnlessDropped) {
  WriteTen();
  ASSERT_OK(engine_->Pin("above"));
  ASSERT_OK(engine_->Pin("at", Version(4)));
  EXPECT_STATUS(engine_->Rollback(Version(4)), StatusCode::kFailedPrecondition, "above", "10");
  ExpectAt(10);
  ASSERT_OK(engine_->Rollback(Version(4), {.drop_pins = true}));
  ExpectAt(4);
  EXPECT_STATUS(engine_->Unpin("above"), StatusCode::kFailedPrecondition);
  EXPECT_OK(engine_->Unpin("at"));
}

TEST_F(RollbackTest, ViewsAboveTheTargetBlock) {
  WriteTen();
  auto old = View(Version(7));
  EXPECT_STATUS(engine_->Rollback(Version(6)), StatusCode::kFailedPrecondition, "view", "7");
  EXPECT_FALSE(engine_->PlanRollback(Version(6))->blocked_by.empty());
  ExpectAt(10);
  old.reset();
  auto iterator = *engine_->NewIterator();
  EXPECT_STATUS(engine_->Rollback(Version(6)), StatusCode::kFailedPrecondition, "view");
  iterator.reset();
  ASSERT_OK(engine_->Rollback(Version(6)));
  ExpectAt(6);
}

TEST_F(RollbackTest, ViewsBelowTheTargetStayReadable) {
  WriteTen();
  const auto view = View(Version(5));
  auto iterator = *engine_->NewIterator({.view = view});
  iterator->SeekToFirst();
  ASSERT_TRUE(iterator->Valid());
  ASSERT_OK(engine_->Rollback(Version(6)));
  EXPECT_EQ(iterator->key(), "k");
  EXPECT_EQ(*iterator->ReadValue(), OneSlot(5));
  iterator->Next();
  EXPECT_EQ(iterator->key(), "v1");
  EXPECT_EQ(engine_->Get("k", {.view = view.get()})->bytes, OneSlot(5));
  Write(20);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  Overwrite("k", 20);
  EXPECT_EQ(engine_->Get("k", {.view = view.get()})->bytes, OneSlot(5));
  iterator->SeekToFirst();
  EXPECT_EQ(*iterator->ReadValue(), OneSlot(5));
}

TEST_F(RollbackTest, OfflineRollbackWorksOnAClosedStore) {
  WriteTen();
  Close();
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, PlanOfflineRollback(dir_, Version(5), {}, open_));
  EXPECT_EQ(plan.base, Version(4));
  ASSERT_OK(OfflineRollback(dir_, Version(5), {}, open_));
  ExpectWhole();
  Open();
  ExpectAt(5);
  Close();
  EXPECT_STATUS(OfflineRollback(dir_, Version(6), {}, open_), StatusCode::kVersionUnreachable);
  EXPECT_OK(OfflineRollback(dir_, Version(5), {}, open_));
  Open();
  ExpectAt(5);
}

TEST_F(RollbackTest, PinsBlockAnOfflineRollback) {
  WriteTen();
  ASSERT_OK(engine_->Pin("p"));
  Close();
  EXPECT_STATUS(OfflineRollback(dir_, Version(5), {}, open_), StatusCode::kFailedPrecondition, "pin p");
  ASSERT_OK(OfflineRollback(dir_, Version(5), {.drop_pins = true}, open_));
  Open();
  ExpectAt(5);
}

TEST_F(RollbackTest, OfflineRollbackNeedsNoWorkingIndex) {
  WriteTen();
  Close();
  fs::remove_all(Path("working"));
  ASSERT_OK(OfflineRollback(dir_, Version(9), {}, open_));
  Open();
  ExpectAt(9);
}

TEST_F(RollbackTest, WaitingCommitsAreNotAppliedAndReadsContinue) {
  WriteTen();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> applied{0}, refused{0}, reads{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      while (!stop) {
        WriteBatch batch;
        batch.Put("c" + std::to_string(t), OneSlot(static_cast<uint64_t>(t)));
        const CommitResult result = engine_->Commit(batch);
        if (result.ok()) {
          ++applied;
          continue;
        }
        ++refused;
        EXPECT_STATUS(result, StatusCode::kFailedPrecondition, "rolled back");
        EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
      }
    });
    threads.emplace_back([&] {
      // Every version from now on contains "v4".
      const std::vector<std::string_view> keys{"v4", "k", "v3"};
      while (!stop) {
        const Result<Value> value = engine_->Get("v4");
        EXPECT_OK(value);
        EXPECT_TRUE(!value.ok() || value->bytes == OneSlot(1004));
        for (const Result<Value>& got : engine_->MultiGet(keys)) EXPECT_OK(got);
        ++reads;
      }
    });
  }
  const auto wait_for = [](const std::atomic<uint64_t>& counter, uint64_t more) {
    const uint64_t target = counter + more;
    while (counter < target) std::this_thread::yield();
  };
  for (uint64_t round = 0; round < 8; ++round) {
    wait_for(applied, 5);
    wait_for(reads, 5);
    ASSERT_OK(engine_->Rollback(Version(10 - round / 2)));
    wait_for(reads, 5);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const Version tip = engine_->version();
  EXPECT_EQ(engine_->durable_version(), tip);
  EXPECT_EQ(Get("v4"), OneSlot(1004));
  Reopen();
  EXPECT_EQ(engine_->version(), tip);
}

TEST_F(RollbackTest, SlotsOfTheDroppedBranchAreFree) {
  FormatAndOpen();
  Write(5);
  const EngineInfo at_five = Info();
  Write(50);
  ASSERT_OK(engine_->Rollback(Version(5)));
  EXPECT_EQ(Info().slots.free, at_five.slots.free);
  EXPECT_EQ(Info().slots.live, at_five.slots.live);
  EXPECT_EQ(Info().slots.pinned, at_five.slots.pinned);
}

TEST_F(RollbackTest, RollsBackToAnUnsyncedVersion) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  WriteTen();
  ASSERT_OK(engine_->Rollback(Version(9)));
  ExpectAt(9);
}

TEST_F(RollbackTest, VersionBelowTheInitialVersionIsUnreachable) {
  format_.initial_version = Version(100);
  FormatAndOpen();
  Overwrite("k", 3);
  EXPECT_STATUS(engine_->Rollback(Version(99)), StatusCode::kVersionUnreachable);
  ASSERT_OK(engine_->Rollback(Version(100)));
  EXPECT_EQ(engine_->version(), Version(100));
  EXPECT_EQ(Overwrite("k", 1), Version(101));
}

}  // namespace
}  // namespace rawkv
