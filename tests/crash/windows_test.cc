// Crash windows that were found by reasoning, one test each.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/api/results.h"
#include "tests/crash/store_fixture.h"

namespace rawkv {
namespace {

class WindowsTest : public StoreFixture {
 protected:
  // Copies an open store as a kill leaves it: without the changes of a close.
  std::string Killed(const std::string& dir, const std::string& name) { return CopyOf(dir, name); }

  static void FlipByte(const std::string& path, uint64_t offset) {
    std::fstream f(path, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(f.get() ^ 0x5a);
    f.seekp(static_cast<std::streamoff>(offset));
    f.put(byte);
  }

  static std::string OnlySegment(const std::string& dir) {
    const Result<std::vector<std::string>> names = PosixFs().List(dir + "/wal");
    EXPECT_EQ(names->size(), 1u);
    return dir + "/wal/" + names->front();
  }
};

// A slot is deferred in an old snapshot, then reclaimed and given out again. The index is rebuilt from that
// snapshot, where the slot still counts as deferred.
TEST_F(WindowsTest, ReusedSlotSurvivesRebuildFromASnapshotThatDefersIt) {
  const std::string dir = NewStore("s", {.capacity_bytes = 256 << 10, .slot_bytes = 4096});
  std::map<std::string, std::string> expected;
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    Put(*engine, "a", std::string(20'000, '1'));
    Put(*engine, "a", std::string(20'000, '2'));
    ASSERT_TRUE(engine->CreateSnapshot().ok());  // holds a deferred entry for the first payload
    ASSERT_TRUE(engine->Prune(0).ok());  // reclaims the payload, because no reachable version needs it
    ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine->Info());
    EXPECT_EQ(info.slots.pinned + info.slots.reclaimable, 0u);
    // Fills the device so that all slots are given out. One more put would make a snapshot.
    for (uint64_t i = 0; i < info.slots.free; ++i) {
      Put(*engine, "fill" + std::to_string(i), std::string(4000, static_cast<char>('A' + i % 26)));
    }
    expected = Content(*engine);
    ASSERT_OK_AND_ASSIGN(const EngineInfo full, engine->Info());
    ASSERT_EQ(full.slots.free, 0u);
    ASSERT_EQ(full.current, Version(2));
  }
  ASSERT_TRUE(RemoveTree(PosixFs(), dir + "/working").ok());
  ExpectWhole(dir);
  {
    const std::unique_ptr<Engine> engine = Open(dir);  // rebuilt from the snapshot, log replayed
    EXPECT_EQ(Content(*engine), expected);
    ASSERT_TRUE(engine->Prune(0).ok());  // must not free the reused slots
    EXPECT_EQ(Content(*engine), expected);
    EXPECT_EQ(engine->Info()->slots.free, 0u);
  }
  ExpectWhole(dir);
}

// A whole working index of an abandoned branch, for example restored from a backup.
TEST_F(WindowsTest, WorkingIndexOfAnotherBranchIsRebuilt) {
  const std::string dir = NewStore("s");
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 3; ++v) Put(*engine, "old" + std::to_string(v), "value");
    ASSERT_TRUE(engine->CreateSnapshot().ok());  // flushes: the index holds version 3
  }
  const std::string before = CopyOf(dir, "before");
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->Rollback(Version(1)).ok());
    for (int v = 2; v <= 4; ++v) Put(*engine, "new" + std::to_string(v), "value");
  }
  ASSERT_TRUE(RemoveTree(PosixFs(), dir + "/working").ok());
  std::filesystem::rename(before + "/working", dir + "/working");
  const std::unique_ptr<Engine> engine = Open(dir);
  EXPECT_EQ(engine->version(), Version(4));
  const std::map<std::string, std::string> expected{
      {"old1", "value"}, {"new2", "value"}, {"new3", "value"}, {"new4", "value"}};
  EXPECT_EQ(Content(*engine), expected);
}

// The log is cut in the middle of a segment. Then records of the same length overwrite the abandoned branch.
TEST_F(WindowsTest, AbandonedRecordIsNotRevivedAfterAMidSegmentCut) {
  const std::string dir = NewStore("s");
  std::map<std::string, std::string> expected;
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 10; ++v) Put(*engine, "k", "old " + std::to_string(100 + v));
    ASSERT_TRUE(engine->Rollback(Version(4)).ok());
    for (int v = 5; v <= 6; ++v) Put(*engine, "k", "new " + std::to_string(100 + v));
    expected = Content(*engine);
  }
  const std::string killed = Killed(dir, "killed");
  const std::unique_ptr<Engine> engine = Open(killed);
  EXPECT_EQ(engine->version(), Version(6)) << "a record of the abandoned branch was revived";
  EXPECT_EQ(Content(*engine), expected);
}

// A rollback runs during reads and commits. Readers see either the old or the new state. Commits that were
// writing payload return "not applied".
TEST_F(WindowsTest, RollbackDuringReadsAndPayloadWritesIsAtomic) {
  const std::string dir = NewStore("s", {.capacity_bytes = 4ull << 30});
  const std::unique_ptr<Engine> engine = Open(dir);
  const std::string base(100'000, 'b');
  for (int v = 1; v <= 5; ++v) Put(*engine, "k", base);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> not_applied{0}, applied{0}, reads{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; !stop; ++i) {
        WriteBatch batch;
        batch.Put("w" + std::to_string(t), std::string(200'000, static_cast<char>('a' + i % 26)));
        const CommitResult result = engine->Commit(batch);
        if (result.ok()) {
          ++applied;
        } else {
          EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied) << result.status.ToString();
          ++not_applied;
        }
      }
    });
    threads.emplace_back([&] {
      while (!stop) {
        const Result<Value> value = engine->Get("k");
        EXPECT_OK(value);
        if (value.ok()) EXPECT_TRUE(value->bytes == base);
        for (int w = 0; w < 4; ++w) {
          const Result<Value> written = engine->Get("w" + std::to_string(w));
          if (written.ok()) {
            EXPECT_EQ(written->bytes.find_first_not_of(written->bytes[0]), std::string::npos);
          } else {
            EXPECT_EQ(written.status().code(), StatusCode::kNotFound) << written.status().ToString();
          }
        }
        ++reads;
      }
    });
  }
  for (int round = 0; round < 8; ++round) {
    const uint64_t goal = applied + 20;
    while (applied < goal) std::this_thread::yield();
    EXPECT_OK(engine->Rollback(Version(5)));
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  EXPECT_GT(reads.load(), 0u);
  ASSERT_TRUE(engine->Rollback(Version(5)).ok());
  EXPECT_EQ(Content(*engine), (std::map<std::string, std::string>{{"k", base}}));
  ASSERT_TRUE(engine->Close().ok());
  ExpectWhole(dir);
}

// The metadata directory was restored from a backup, but the device is newer.
TEST_F(WindowsTest, StoreRestoredFromAnOlderBackupIsRefused) {
  const std::string dir = NewStore("s", {.device = scratch_.File("device"), .capacity_bytes = 8 << 20});
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    Put(*engine, "k", std::string(9000, '1'));
  }
  const std::string backup = CopyOf(dir, "backup");
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    Put(*engine, "k", std::string(9000, '2'));
  }
  const Result<std::unique_ptr<Engine>> restored = Engine::Open(backup, Quiet());
  ASSERT_FALSE(restored.ok());
  EXPECT_STATUS(restored, StatusCode::kFailedPrecondition, "restored backup");
  // After a rollback the generations could be equal by chance, but the lineage differs.
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->Rollback(Version(1)).ok());
  }
  EXPECT_EQ(Engine::Open(backup, Quiet()).status().code(), StatusCode::kFailedPrecondition);
}

// A rollback works where an open does not: with damage in the log above the target.
TEST_F(WindowsTest, RollbackWorksOnAStoreThatCannotBeOpened) {
  const std::string dir = NewStore("s");
  std::map<std::string, std::string> at_six;
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 10; ++v) {
      Put(*engine, "k" + std::to_string(v), "unique-value-" + std::to_string(v) + "!");
      if (v == 6) at_six = Content(*engine);
    }
  }
  // Damages the record of version 8. A later record shows that it was durable, so that it is not a torn tail.
  const std::string segment = OnlySegment(dir);
  ASSERT_OK_AND_ASSIGN(const std::string log, ReadFile(PosixFs(), segment, 1 << 30));
  const size_t at = log.find("unique-value-8!");
  ASSERT_NE(at, std::string::npos);
  FlipByte(segment, at);
  const Result<std::unique_ptr<Engine>> opened = Engine::Open(dir, Quiet());
  ASSERT_FALSE(opened.ok());
  EXPECT_STATUS(opened, StatusCode::kCorruption, "8");
  EXPECT_FALSE(CheckStore(dir, {}, Quiet())->ok());

  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, PlanOfflineRollback(dir, Version(6), {}, Quiet()));
  ASSERT_TRUE(OfflineRollback(dir, Version(6), {}, Quiet()).ok());
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    EXPECT_EQ(engine->version(), Version(6));
    EXPECT_EQ(Content(*engine), at_six);
  }
  ExpectWhole(dir);
}

// The same with a damaged header of a later segment. A rollback whose switch has happened must also finish
// with such a log.
TEST_F(WindowsTest, RollbackWorksBelowADamagedSegmentHeader) {
  const std::string dir = NewStore("s", {.runtime = {.wal_segment_bytes = 64 << 10}});
  std::map<std::string, std::string> at_two, at_four;
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 12; ++v) {
      WriteBatch batch;  // two batches fit into one segment
      for (int i = 0; i < 25; ++i)
        batch.Put("k" + std::to_string(i), std::string(1000, static_cast<char>('a' + v)));
      ASSERT_TRUE(engine->Commit(batch).ok());
      if (v == 2) at_two = Content(*engine);
      if (v == 4) {
        at_four = Content(*engine);
        ASSERT_TRUE(engine->CreateSnapshot().ok());
      }
    }
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> segments, PosixFs().List(dir + "/wal"));
  ASSERT_EQ(segments.size(), 6u);
  FlipByte(dir + "/wal/" + segments[4], 9);
  const std::string later = CopyOf(dir, "later");
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, PlanOfflineRollback(dir, Version(2), {}, Quiet()));
  EXPECT_EQ(plan.from, Version(12));
  ASSERT_TRUE(OfflineRollback(dir, Version(2), {}, Quiet()).ok());
  EXPECT_EQ(Content(*Open(dir)), at_two);
  ExpectWhole(dir);

  // Rolls back to a snapshot whose own segment is damaged.
  FlipByte(later + "/wal/" + segments[2], 9);
  ASSERT_TRUE(OfflineRollback(later, Version(4), {}, Quiet()).ok());
  EXPECT_EQ(Content(*Open(later)), at_four);
  ExpectWhole(later);
}

TEST_F(WindowsTest, DamagedWorkingIndexIsRebuilt) {
  const std::string dir = NewStore("s");
  std::map<std::string, std::string> expected;
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 10; ++v) Put(*engine, "k" + std::to_string(v), std::string(3000, 'x'));
    expected = Content(*engine);
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir + "/working/index")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) FlipByte(entry.path(), 20);
  }
  const std::unique_ptr<Engine> engine = Open(dir);
  EXPECT_EQ(Content(*engine), expected);
}

// The payload of a commit did not reach the device, but its record reached the log: the device flush and the
// log sync run concurrently. Nothing shows that the commit was durable, so that it is a torn tail. The open
// cuts and reports it.
TEST_F(WindowsTest, RecordWithoutItsPayloadIsATornTail) {
  const std::string dir = NewStore("s");
  const std::unique_ptr<Engine> engine = Open(dir);
  Put(*engine, "good", std::string(9000, 'g'));
  const std::string lost(9000, 'L');
  Put(*engine, "lost", lost);
  const std::string killed = Killed(dir, "killed");
  const Result<std::string> device = ReadFile(PosixFs(), killed + "/device.img", 1 << 30);
  ASSERT_TRUE(device.ok());
  const size_t at = device->find(lost);
  ASSERT_NE(at, std::string::npos);
  FlipByte(killed + "/device.img", at + 100);
  {
    const std::unique_ptr<Engine> reopened = Open(killed);
    EXPECT_EQ(reopened->version(), Version(1));
    const Result<EngineInfo> info = reopened->Info();
    ASSERT_TRUE(info.ok() && info->recovery.has_value());
    EXPECT_EQ(info->recovery->cut_after, Version(1));
    EXPECT_EQ(Put(*reopened, "next", std::string(9000, 'n')), Version(2));
  }
  ExpectWhole(killed);
  const std::unique_ptr<Engine> again = Open(killed);
  EXPECT_EQ(again->version(), Version(2));
  EXPECT_EQ(Content(*again).count("lost"), 0u);
}

}  // namespace
}  // namespace rawkv
