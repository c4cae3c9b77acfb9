// Snapshots, pins and pruning: which versions stay readable, and how many slots they hold (invariant 2).

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <thread>

#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/sanitized.h"
#include "tests/support/standing_clock.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class RetentionTest : public EngineTest {
 protected:
  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  std::vector<Version> Versions(std::initializer_list<uint64_t> values) {
    std::vector<Version> out;
    for (const uint64_t v : values) out.emplace_back(v);
    return out;
  }
  Version Snapshot() {
    const Result<Version> made = engine_->CreateSnapshot();
    EXPECT_OK(made);
    return made.ok() ? *made : Version();
  }
  void ExpectUnreachable(uint64_t version) {
    EXPECT_STATUS(engine_->OpenView(Version(version)), StatusCode::kVersionUnreachable,
                  std::to_string(version));
    EXPECT_STATUS(engine_->GetCommit(Version(version)), StatusCode::kVersionUnreachable);
    EXPECT_STATUS(engine_->PlanRollback(Version(version)), StatusCode::kVersionUnreachable);
  }
};

TEST_F(RetentionTest, SecondSnapshotOfTheTipReturnsTheFirst) {
  FormatAndOpen();
  Overwrite("k", 3);
  EXPECT_EQ(Snapshot(), Version(3));
  EXPECT_EQ(Snapshot(), Version(3));
  EXPECT_EQ(Snapshots(), Versions({0, 3}));
  EXPECT_EQ(Info().current, Version(3));
  EXPECT_EQ(engine_->stats().snapshots_made, 1);
}

TEST_F(RetentionTest, SnapshotBeginsAnotherSegmentSoThatOpenReadsOnlyTheTail) {
  FormatAndOpen();
  WriteBatch batch;
  for (int i = 0; i < 1100; ++i) batch.Put("k" + std::to_string(i), std::string(1000, 'v'));
  ASSERT_TRUE(engine_->Commit(batch).ok());
  Snapshot();
  Put("tail", "t");
  Snapshot();  // too little log for another segment
  Put("tail", "u");
  Close();
  const Result<std::vector<LogSegmentRow>> rows = ListLog(dir_, open_);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->front().last, Version(1));
  EXPECT_EQ(rows->back().first, Version(2));
  EXPECT_EQ(rows->back().last, Version(3));
  Open();
  EXPECT_EQ(Get("tail"), "u");
}

TEST_F(RetentionTest, RetentionKeepsTheNewestAndKeepRecentOlderSnapshots) {
  format_.runtime.keep_recent = 2;
  FormatAndOpen();
  for (int i = 0; i < 5; ++i) {
    Overwrite("k", 2);
    Snapshot();
  }
  EXPECT_EQ(Snapshots(), Versions({6, 8, 10}));
  EXPECT_EQ(Info().reachable, (std::vector{std::pair(Version(6), Version(10))}));
  for (uint64_t v = 0; v < 6; ++v) ExpectUnreachable(v);
  for (uint64_t v = 6; v <= 10; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  Reopen();
  for (uint64_t v = 6; v <= 10; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
}

TEST_F(RetentionTest, PruneUsesItsArgumentAndReturnsTheRemovedVersions) {
  FormatAndOpen();
  ASSERT_OK(engine_->ChangeSettings({.keep_recent = 10}));
  for (int i = 0; i < 4; ++i) {
    Overwrite("k", 1);
    Snapshot();
  }
  EXPECT_EQ(*engine_->Prune(), Versions({}));
  EXPECT_EQ(*engine_->Prune(2), Versions({0, 1}));
  EXPECT_EQ(*engine_->Prune(0), Versions({2, 3}));
  EXPECT_EQ(*engine_->Prune(0), Versions({}));
  EXPECT_EQ(Snapshots(), Versions({4}));
}

TEST_F(RetentionTest, ChangedSettingsCountAtOnceAndAfterAReopen) {
  format_.runtime.keep_recent = 0;
  FormatAndOpen();
  const Result<RuntimeSettings> kept = engine_->ChangeSettings({.keep_recent = 5});
  ASSERT_OK(kept);
  EXPECT_EQ(kept->keep_recent, 5u);
  EXPECT_EQ(kept->snapshot_interval, format_.runtime.snapshot_interval) << "what is not named stays";
  Overwrite("k", 1);
  Snapshot();
  EXPECT_EQ(Snapshots(), Versions({0, 1}));
  EXPECT_EQ(Info().settings.keep_recent, 5u);
  Reopen();
  EXPECT_EQ(Info().settings.keep_recent, 5u);
  Overwrite("k", 1);
  Snapshot();
  EXPECT_EQ(Snapshots(), Versions({0, 1, 2}));
}

// Random histories: after each prune every version that was the tip within the last `keep_for` can be read.
TEST_F(RetentionTest, VersionsOfTheTimeToKeepStayReadable) {
  StandingClock clock;
  open_.env.clock = &clock;
  format_.env.clock = &clock;
  format_.runtime.keep_recent = 0;
  format_.runtime.keep_for_seconds = 100;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Rng rng(TestSeed(1));
  std::vector<uint64_t> replaced_ms;  // when version i was followed by the next one
  uint64_t most_kept = 0;
  for (int step = 0; step < 400; ++step) {
    clock.now_unix_ms += rng.Below(8'000);
    replaced_ms.push_back(clock.now_unix_ms);
    Overwrite("k", 1);
    if (rng.OneIn(4)) Snapshot();
    if (rng.OneIn(20)) ASSERT_OK(engine_->Prune());
    if (rng.OneIn(50)) Reopen();
    const uint64_t oldest_kept = Info().reachable.front().first.value();
    for (uint64_t v = 0; v < replaced_ms.size(); ++v) {
      if (replaced_ms[v] + 100'000 >= clock.now_unix_ms) EXPECT_GE(v, oldest_kept) << "at step " << step;
    }
    most_kept = std::max(most_kept, replaced_ms.size() - oldest_kept);
  }
  EXPECT_EQ(Info().reachable.size(), 1u);
  EXPECT_LT(most_kept, 100u) << "older versions must go";
  EXPECT_GT(most_kept, 20u);
  const Version old = Info().reachable.front().first;
  EXPECT_EQ(Get("k", old), OneSlot(old.value()));
  // An explicit number counts alone.
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots().size(), 1u);
  Close();
  open_.env.clock = &SystemClock();
}

TEST_F(RetentionTest, SnapshotIntervalMakesSnapshots) {
  format_.runtime.snapshot_interval = 10;
  format_.runtime.keep_recent = 0;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  // A background thread makes the snapshots: each commit gives it another chance to run.
  for (int i = 0; i < 500000 && engine_->stats().snapshots_made < 3; ++i) EmptyCommit();
  EXPECT_GE(engine_->stats().snapshots_made, 3);
  EXPECT_GE(engine_->version(), Version(30)) << "more snapshots than the interval allows";
  ASSERT_OK(engine_->ChangeSettings({.snapshot_interval = 0}));
}

// A device without a free slot gives up history. Every version that goes is reported.
TEST_F(RetentionTest, EveryVersionThatIsGivenUpForSpaceIsReported) {
  format_.capacity_bytes = 1 * kMiB;
  format_.runtime.keep_recent = 1000;
  format_.runtime.keep_for_seconds = 86400;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  for (int i = 0; i < 20; ++i) {
    Overwrite("k", 50);
    Snapshot();
  }
  uint64_t next = 0;  // the versions below it were reported
  for (const std::string& line : Lines(logger_.text())) {
    uint64_t first = 0, last = 0;
    const size_t at = line.find("gave up the history of versions ");
    if (at == std::string::npos) continue;
    ASSERT_EQ(std::sscanf(line.c_str() + at, "gave up the history of versions %lu to %lu", &first, &last), 2)
        << line;
    EXPECT_EQ(first, next);
    next = last + 1;
  }
  EXPECT_GT(next, 0u) << "the device has room for all: the test shows nothing";
  EXPECT_EQ(Info().reachable.front().first, Version(next));
  EXPECT_EQ(engine_->stats().versions_given_up, next);
}

TEST_F(RetentionTest, FewFreeSlotsMakeASnapshot) {
  format_.capacity_bytes = 4 * kMiB;
  format_.runtime.snapshot_interval = 1'000'000;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  ASSERT_OK(engine_->ChangeSettings({.snapshot_interval = 16, .keep_recent = 0}));
  Overwrite("k", 3000);
  EXPECT_GE(engine_->stats().snapshots_made, 1);
  EXPECT_EQ(Get("k"), OneSlot(3000));
}

TEST_F(RetentionTest, SnapshotPinsOverwrittenSlotsUntilItIsRemoved) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Snapshot();
  const EngineInfo before = Info();
  EXPECT_EQ(before.slots.live, 1);
  EXPECT_EQ(before.slots.pinned, 0);
  Overwrite("k", 5);
  EXPECT_EQ(Info().slots.live, 1);
  EXPECT_EQ(Info().slots.pinned, 5);
  EXPECT_EQ(PinnedBy("snapshot", "1"), 5) << "the snapshot and the versions after it hold the slots";
  EXPECT_EQ(Info().slots.free, before.slots.free - 5);

  Snapshot();
  EXPECT_EQ(PinnedBy("snapshot", "1"), 5);
  EXPECT_EQ(PinnedBy("snapshot", "6"), 0);
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Info().slots.pinned, 0);
  EXPECT_EQ(Info().slots.free, before.slots.free);
  EXPECT_TRUE(Info().pinned_by.empty());
}

TEST_F(RetentionTest, PinHoldsItsVersionAndItsSlotsUntilUnpinned) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Put("other", OneSlot(100));
  EXPECT_EQ(*engine_->Pin("release"), Version(2));
  Overwrite("k", 3);
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots(), Versions({2, 5}));
  EXPECT_EQ(Info().snapshots.front().pins, std::vector<std::string>{"release"});
  EXPECT_EQ(Info().reachable,
            (std::vector{std::pair(Version(2), Version(2)), std::pair(Version(5), Version(5))}));
  EXPECT_EQ(PinnedBy("pin", "release"), 1);
  EXPECT_EQ(Info().slots.pinned, 1);
  EXPECT_EQ(Get("k", Version(2)), OneSlot(1));
  EXPECT_EQ(engine_->GetCommit(Version(2))->version, Version(2));
  for (const uint64_t v : {0, 1, 3, 4}) ExpectUnreachable(v);
  Reopen();
  EXPECT_EQ(Get("k", Version(2)), OneSlot(1));
  EXPECT_EQ(PinnedBy("pin", "release"), 1);

  ASSERT_OK(engine_->Unpin("release"));
  ExpectUnreachable(2);
  EXPECT_EQ(Snapshots(), Versions({5}));
  EXPECT_EQ(Info().slots.pinned, 0);
  EXPECT_EQ(Info().slots.live + Info().slots.free, Info().slots.total);
}

TEST_F(RetentionTest, SlotsWithTwoHoldersAreCountedAsShared) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  ASSERT_OK(engine_->Pin("a"));
  ASSERT_OK(engine_->Pin("b"));
  Overwrite("k", 1);
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Info().slots.pinned, 1);
  EXPECT_EQ(Info().pinned_shared, 1);
  EXPECT_TRUE(Info().pinned_by.empty());
  ASSERT_OK(engine_->Unpin("a"));
  EXPECT_EQ(PinnedBy("pin", "b"), 1);
  EXPECT_EQ(Info().pinned_shared, 0);
}

TEST_F(RetentionTest, ViewsHoldTheirVersionsSlots) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  auto tip_view = View();
  Overwrite("k", 1);
  auto old_view = View(Version(1));
  Overwrite("k", 1);
  auto iterator = *engine_->NewIterator();
  Overwrite("k", 1);
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Info().slots.pinned, 2);
  EXPECT_EQ(Info().pinned_shared, 1) << "two views of version 1";
  EXPECT_EQ(PinnedBy("view", "3"), 1);
  EXPECT_EQ(engine_->Get("k", {.view = tip_view.get()})->bytes, OneSlot(1));
  EXPECT_EQ(engine_->Get("k", {.view = old_view.get()})->bytes, OneSlot(1));
  iterator->SeekToFirst();
  EXPECT_EQ(*iterator->ReadValue(), OneSlot(3));
  tip_view.reset();
  EXPECT_EQ(PinnedBy("view", "1"), 1);
  old_view.reset();
  iterator.reset();
  EXPECT_EQ(Info().slots.pinned, 0);
  EXPECT_EQ(Info().slots.reclaimable, 2) << "a commit that needs slots reclaims them";
  ASSERT_OK(engine_->Prune());
  EXPECT_EQ(Info().slots.reclaimable, 0);
}

TEST_F(RetentionTest, ValueOverwrittenInItsOwnBatchIsReclaimable) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("k", OneSlot(1));
  batch.Put("k", OneSlot(2));
  ASSERT_OK(engine_->Commit(batch));
  EXPECT_EQ(Info().slots.live, 1);
  EXPECT_EQ(Info().slots.reclaimable, 1);
  EXPECT_EQ(Info().slots.pinned, 0);
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Info().slots.reclaimable, 0);
}

TEST_F(RetentionTest, PinNameCannotMoveToAnotherVersion) {
  FormatAndOpen();
  Overwrite("k", 2);
  Snapshot();
  Overwrite("k", 1);
  EXPECT_EQ(*engine_->Pin("p", Version(2)), Version(2));
  EXPECT_EQ(*engine_->Pin("p", Version(2)), Version(2)) << "a repeated call must succeed";
  EXPECT_STATUS(engine_->Pin("p", Version(0)), StatusCode::kFailedPrecondition, "p", "2");
  EXPECT_STATUS(engine_->Pin("p"), StatusCode::kFailedPrecondition, "p", "2");
  EXPECT_STATUS(engine_->Pin("q", Version(9)), StatusCode::kVersionUnreachable, "9");
  EXPECT_STATUS(engine_->Unpin("q"), StatusCode::kFailedPrecondition, "q");
  for (const char* name : {"", "a/b", "new\nline"}) {
    EXPECT_STATUS(engine_->Pin(name), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Snapshots(), Versions({0, 2}));
}

TEST_F(RetentionTest, PinnedSnapshotCannotBeDeleted) {
  FormatAndOpen();
  Overwrite("k", 1);
  ASSERT_OK(engine_->Pin("p"));
  Overwrite("k", 1);
  Snapshot();
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(1)), StatusCode::kFailedPrecondition, "pinned");
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(7)), StatusCode::kFailedPrecondition, "7");
  EXPECT_OK(engine_->DeleteSnapshot(Version(0)));
  EXPECT_EQ(Snapshots(), Versions({1, 2}));
}

TEST_F(RetentionTest, DeletingCurrentMovesTheLinkFirst) {
  FormatAndOpen();
  Overwrite("k", 2);
  Snapshot();
  Overwrite("k", 2);
  EXPECT_OK(engine_->DeleteSnapshot(Version(2)));
  EXPECT_EQ(Info().current, Version(0));
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(0)), StatusCode::kFailedPrecondition, "only");
  for (uint64_t v = 1; v <= 4; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  Reopen();
  EXPECT_EQ(engine_->version(), Version(4));
  EXPECT_EQ(Get("k"), OneSlot(4));
}

TEST_F(RetentionTest, CurrentDoesNotMoveToAPinWhoseSuccessorsWereReused) {
  // The log still reaches back to the pin. But slots that only the versions after the pin needed have been
  // given out again, so that no index may be rebuilt from the pin.
  FormatAndOpen();
  Overwrite("k", 2);
  ASSERT_OK(engine_->Pin("p"));
  Overwrite("k", 5);
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  Overwrite("other", 20);
  EXPECT_STATUS(engine_->DeleteSnapshot(Version(7)), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Info().current, Version(7));
  for (uint64_t v = 3; v < 7; ++v) ExpectUnreachable(v);
}

TEST_F(RetentionTest, UnpinningDoesNotReviveVersionsWhoseSlotsWereReused) {
  format_.capacity_bytes = 2 * kMiB;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Overwrite("k", 3);
  ASSERT_OK(engine_->Pin("p"));
  Overwrite("k", 5);
  // Every slot is given out again at least once. The log is still one segment and reaches back to version 3.
  const uint64_t total = Info().slots.total;
  for (uint64_t written = 0; written < 2 * total; written += 50) {
    Overwrite("other", 50);
    Snapshot();
    ASSERT_OK(engine_->Prune(0));
  }
  ASSERT_EQ(ListLog(dir_, open_)->front().first, Version(1));
  EXPECT_EQ(Get("k", Version(3)), OneSlot(3));
  ASSERT_OK(engine_->ChangeSettings({.keep_recent = 10}));
  ASSERT_OK(engine_->Unpin("p"));
  for (const auto& [first, last] : Info().reachable) {
    for (Version v = first; v <= last; v = Next(v))
      EXPECT_EQ(Get("k", v), OneSlot(std::min<uint64_t>(v.value(), 8)));
  }
  ExpectUnreachable(5);
}

TEST_F(RetentionTest, PruneDropsTheLogOfRemovedVersions) {
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  const auto segments = [&] {
    const Result<std::vector<LogSegmentRow>> rows = ListLog(dir_, open_);
    EXPECT_OK(rows);
    return rows->size();
  };
  for (int i = 0; i < 200; ++i) Put("k", std::string(1000, 'v'));
  EXPECT_GT(segments(), 3);
  Snapshot();
  EXPECT_GT(segments(), 3) << "the older snapshot's versions are kept";
  ASSERT_OK(engine_->Prune(0));
  EXPECT_LE(segments(), 2);
  Reopen();
  EXPECT_EQ(engine_->version(), Version(200));
  EXPECT_STATUS(engine_->GetCommit(Version(150)), StatusCode::kVersionUnreachable);
  EXPECT_OK(engine_->GetCommit(Version(200))) << "the snapshot must answer for the dropped record";
}

TEST_F(RetentionTest, SnapshotAnswersGetCommitForADroppedRecord) {
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  WriteBatch batch;
  batch.SetMetadata("the pinned one");
  ASSERT_OK(engine_->Commit(batch));
  ASSERT_OK(engine_->Pin("p"));
  for (int i = 0; i < 200; ++i) Put("k", std::string(1000, 'v'));
  Snapshot();
  ASSERT_OK(engine_->Prune(0));
  ASSERT_GT(ListLog(dir_, open_)->front().first, Version(1));
  const Result<CommitRecord> record = engine_->GetCommit(Version(1));
  ASSERT_OK(record);
  EXPECT_EQ(record->metadata, "the pinned one");
  EXPECT_EQ(record->lineage, Info().lineage);
  EXPECT_GT(record->time_unix_ms, 0);
  EXPECT_STATUS(engine_->GetCommit(Version(2)), StatusCode::kVersionUnreachable);
}

TEST_F(RetentionTest, MissingCurrentLinkIsRestored) {
  FormatAndOpen();
  Overwrite("k", 2);
  Snapshot();
  Overwrite("k", 2);
  Close();
  fs::remove(Path("current"));
  Open();
  EXPECT_TRUE(logger_.Warned("current"));
  EXPECT_EQ(Info().current, Version(2));
  EXPECT_EQ(Get("k"), OneSlot(4));
}

TEST_F(RetentionTest, LostWorkingIndexIsRebuilt) {
  FormatAndOpen();
  Overwrite("k", 2);
  Snapshot();
  Overwrite("k", 2);
  Close();
  fs::remove_all(Path("working"));
  Open();
  EXPECT_EQ(Get("k"), OneSlot(4));
  Close();
  fs::remove(Path("working/BASE"));
  Open();
  for (uint64_t v = 1; v <= 4; ++v) EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
}

TEST_F(RetentionTest, PinOfAVersionWithoutASnapshotMakesOne) {
  open_.settings.keep_recent = 0;
  FormatAndOpen();
  Overwrite("k", 10);
  EXPECT_EQ(*engine_->Pin("old", Version(4)), Version(4));
  EXPECT_EQ(Snapshots(), Versions({0, 4}));
  EXPECT_EQ(*engine_->Pin("old", Version(4)), Version(4)) << "a repeated call must succeed";
  EXPECT_EQ(*Info().current, Version(4)) << "the newest snapshot is the current one";
  EXPECT_EQ(*engine_->Pin("older", Version(2)), Version(2));
  EXPECT_EQ(*Info().current, Version(4));
  Overwrite("k", 10);
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(Snapshots(), Versions({2, 4, 20}));
  EXPECT_EQ(Get("k", Version(4)), OneSlot(4));
  EXPECT_EQ(Get("k", Version(2)), OneSlot(2));
  EXPECT_EQ(PinnedBy("pin", "old"), 1u);
  ASSERT_OK(engine_->Unpin("older"));
  EXPECT_EQ(Snapshots(), Versions({4, 20}));
  Reopen();
  ASSERT_OK(engine_->Rollback(Version(4)));
  EXPECT_EQ(Get("k"), OneSlot(4));
}

TEST_F(RetentionTest, PinOfAVersionThatIsNotKeptIsRefused) {
  open_.settings.keep_recent = 0;
  FormatAndOpen();
  Overwrite("k", 10);
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_STATUS(engine_->Pin("gone", Version(4)), StatusCode::kVersionUnreachable, "4");
  EXPECT_STATUS(engine_->Pin("future", Version(11)), StatusCode::kVersionUnreachable, "11");
  EXPECT_EQ(Snapshots(), Versions({10}));
}

// The pinned version is not durable yet, and its snapshot must not be ahead of the log.
TEST_F(RetentionTest, PinOfAnUnsyncedVersionMakesItDurable) {
  open_.settings.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Overwrite("k", 5);
  EXPECT_EQ(engine_->durable_version(), Version(0));
  ASSERT_OK(engine_->Pin("old", Version(3)));
  EXPECT_GE(engine_->durable_version(), Version(3));
}

// Commits, snapshots and prunes run meanwhile, on a device that reuses slots.
TEST_F(RetentionTest, PinOfAnOldVersionHoldsExactlyThatVersion) {
  open_.settings.keep_recent = 0;
  format_.capacity_bytes = 1 * kMiB;
  FormatAndOpen();
  Overwrite("k", 3);
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      const Version next = Next(engine_->version());
      EXPECT_EQ(Put("k", OneSlot(next.value())), next);
      if (next.value() % 10 == 0) EXPECT_OK(engine_->CreateSnapshot());
    }
  });
  for (uint64_t i = 0; i < Share(60, 10); ++i) {
    const Version wanted(engine_->version().value() - 2);
    const Result<Version> pinned = engine_->Pin("pin", wanted);
    if (pinned.status().code() == StatusCode::kVersionUnreachable) continue;  // pruned since
    ASSERT_OK(pinned);
    EXPECT_EQ(Get("k", wanted), OneSlot(wanted.value()));
    EXPECT_OK(engine_->Unpin("pin"));
  }
  done = true;
  other.join();
}

// Another thread makes snapshots meanwhile, each of which prunes all older ones.
TEST_F(RetentionTest, PinOfTheTipKeepsTheSnapshotThatItMade) {
  open_.settings.keep_recent = 0;
  FormatAndOpen();
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (uint64_t n = 0; !done; ++n) {
      Put("other", OneSlot(n));
      EXPECT_OK(engine_->CreateSnapshot());
    }
  });
  for (uint64_t i = 0; i < Share(200, 20); ++i) {
    EXPECT_OK(engine_->Pin("pin"));
    EXPECT_OK(engine_->Unpin("pin"));
  }
  done = true;
  other.join();
}

}  // namespace
}  // namespace rawkv
