// A rollback by undo records leads to the same index as one by a snapshot and the log (protocols: rollback
// step 5), whatever happened before. Undo records are kept for the window that the settings name, and a store
// without them rolls back all the same.

#include <filesystem>
#include <set>

#include "engine/admin/repair.h"
#include "engine/index/key_index.h"
#include "engine/undo/undo_record.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<KeyIndex> OpenIndex(const std::string& store_dir) {
  Result<std::unique_ptr<KeyIndex>> index =
      KeyIndex::Open({.dir = store_dir + "/working/index", .read_only = true});
  EXPECT_OK(index);
  return index.ok() ? *std::move(index) : nullptr;
}

std::map<std::string, IndexEntry> EntriesOf(KeyIndex& index) {
  std::map<std::string, IndexEntry> out;
  const std::unique_ptr<IndexCursor> cursor = index.NewCursor("", "", nullptr);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    Result<IndexEntry> entry = cursor->entry();
    EXPECT_OK(entry);
    if (entry.ok()) out.emplace(cursor->key(), *std::move(entry));
  }
  EXPECT_OK(cursor->status());
  return out;
}

std::map<uint64_t, AllocationPage> PagesOf(KeyIndex& index) {
  std::map<uint64_t, AllocationPage> out;
  EXPECT_OK(index.ForEachPage([&](uint64_t number, const AllocationPage& page) {
    out[number] = page;
    return Status::Ok();
  }));
  return out;
}

using Deferred = std::set<std::tuple<SlotId, SlotCount, Version, Version>>;
Deferred DeferredOf(KeyIndex& index) {
  Deferred out;
  EXPECT_OK(index.ForEachDeferred(kMaxVersion, std::nullopt, [&](const DeferredFree& d) {
    out.emplace(d.extent.first, d.extent.count, d.born, d.freed);
    return true;
  }));
  return out;
}

std::vector<Version> RecordsOf(KeyIndex& index) {
  std::vector<Version> out;
  EXPECT_OK(index.ForEachUndo([&](Version version) {
    out.push_back(version);
    return true;
  }));
  return out;
}

void CopyStore(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  ASSERT_EQ(std::system(("cp -a --sparse=always '" + from + "' '" + to + "'").c_str()), 0);
}

class UndoTest : public EngineTest {
 protected:
  std::vector<Version> Records() {
    Close();
    const std::unique_ptr<KeyIndex> index = OpenIndex(dir_);
    std::vector<Version> records = RecordsOf(*index);
    Open();
    return records;
  }
  bool StartedFromSnapshot() const {
    return logger_.text().find("starts from snapshot") != std::string::npos;
  }
  // Every index change is on disk after a close.
  void FlushOnClose() { ASSERT_OK(engine_->CreateSnapshot()); }
};

TEST_F(UndoTest, RecordsAreKeptForTheWindowAndAcrossReopens) {
  open_.settings.undo_versions = 5;
  FormatAndOpen();
  for (int i = 0; i < 12; ++i) Put("k", OneSlot(i));
  FlushOnClose();
  EXPECT_EQ(Records(), (std::vector<Version>{Version(8), Version(9), Version(10), Version(11), Version(12)}));
  Put("k", OneSlot(13));
  ReopenKilled();  // the replay makes the record again
  FlushOnClose();
  EXPECT_EQ(Records(),
            (std::vector<Version>{Version(9), Version(10), Version(11), Version(12), Version(13)}));
  open_.settings.undo_versions = 2;
  Reopen();
  EmptyCommit();
  FlushOnClose();
  EXPECT_EQ(Records(), (std::vector<Version>{Version(13), Version(14)}));
  open_.settings.undo_versions = 0;
  Reopen();
  Put("k", "v");
  FlushOnClose();
  EXPECT_EQ(Records(), std::vector<Version>{});
}

TEST_F(UndoTest, RollbackWithinTheWindowNeedsNeitherSnapshotNorLog) {
  FormatAndOpen();
  for (uint64_t i = 1; i <= 20; ++i) Put("k" + std::to_string(i % 3), OneSlot(i));
  ASSERT_OK(engine_->Rollback(Version(17)));
  EXPECT_FALSE(StartedFromSnapshot());
  EXPECT_EQ(Get("k2"), OneSlot(17));
  EXPECT_EQ(Get("k1"), OneSlot(16));
  EXPECT_EQ(Info().slots.live, 3u);
}

TEST_F(UndoTest, RollbackBeyondTheWindowStartsFromASnapshot) {
  open_.settings.undo_versions = 4;
  FormatAndOpen();
  for (uint64_t i = 1; i <= 20; ++i) Put("k", OneSlot(i));
  ASSERT_OK(engine_->Rollback(Version(15)));
  EXPECT_TRUE(StartedFromSnapshot());
  EXPECT_EQ(Get("k"), OneSlot(15));
}

TEST_F(UndoTest, VersionThatOverwritesTooMuchHasNoRecord) {
  format_.inline_bytes = 64 * kKiB;
  format_.capacity_bytes = 8 * kMiB;
  FormatAndOpen();
  WriteBatch large;
  for (int i = 0; i < 300; ++i) large.Put("k" + std::to_string(i), std::string(60 * kKiB, 'v'));
  ASSERT_OK(engine_->Commit(large));
  WriteBatch all;
  all.DeletePrefix("k");
  ASSERT_OK(engine_->Commit(all));
  Put("a", "1");
  Put("a", "2");
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_FALSE(StartedFromSnapshot());
  ASSERT_OK(engine_->Rollback(Version(1)));
  EXPECT_TRUE(StartedFromSnapshot());
  EXPECT_TRUE(Has("k299"));
}

struct DifferentialConfig {
  const char* name;
  uint64_t value_bytes_max;
  uint64_t memtable_bytes;
};

class UndoDifferentialTest : public UndoTest, public testing::WithParamInterface<DifferentialConfig> {
 protected:
  void SetUp() override {
    format_.capacity_bytes = 4 * kMiB;  // few slots, so that they are used again soon
    format_.inline_bytes = 200;
    open_.memtable_bytes = GetParam().memtable_bytes;
    open_.settings.keep_recent = 1;
    open_.settings.undo_versions = 24;
  }

  std::string Key() {
    return std::string(1, static_cast<char>('a' + rng_.Below(3))) + std::to_string(rng_.Below(8));
  }

  void Commit() {
    WriteBatch batch;
    const uint64_t ops = rng_.OneIn(12) ? 0 : rng_.OneIn(3) ? rng_.Between(2, 9) : 1;
    for (uint64_t i = 0; i < ops; ++i) {
      const uint64_t kind = rng_.Below(20);
      if (kind < 14) {
        batch.Put(Key(),
                  MakeValue({rng_.Next(), 8 + rng_.Below(GetParam().value_bytes_max >> rng_.Below(8))}));
      } else if (kind < 18) {
        batch.Delete(Key());
      } else if (kind == 18) {
        batch.DeletePrefix(Key().substr(0, 1));
      } else {
        std::string begin = Key(), end = Key();
        if (begin == end) end += "~";
        batch.DeleteRange(std::min(begin, end), std::max(begin, end));
      }
    }
    if (rng_.OneIn(3)) batch.SetMetadata(MakeValue({rng_.Next(), 8 + rng_.Below(40)}));
    ASSERT_OK(engine_->Commit(batch));
  }

  // Rolls one copy back while its engine is open and another one without its working index, and compares the
  // two. Continues with the first copy.
  void RollBackBothWays() {
    const VersionRanges reachable = Info().reachable;
    const Version tip = engine_->version();
    const Version floor = reachable.back().first;
    if (tip == floor) return;
    const uint64_t back = rng_.Between(1, std::min<uint64_t>(tip.value() - floor.value(), 20));
    const Version target(tip.value() - back);
    const std::vector<Version> snapshots = Snapshots();
    SCOPED_TRACE("from " + ToString(tip) + " to " + ToString(target));
    Close();
    const std::string other = dir_ + ".other";
    CopyStore(dir_, other);
    fs::remove_all(other + "/working");
    ASSERT_OK(OfflineRollback(other, target, {}, open_));

    const std::string before = logger_.text();
    if (rng_.OneIn(4)) {
      ASSERT_OK(OfflineRollback(dir_, target, {}, open_));
    } else {
      Open();
      ASSERT_OK(engine_->Rollback(target));
      Close();
    }
    const bool to_a_snapshot = std::count(snapshots.begin(), snapshots.end(), target) != 0;
    const std::string log = logger_.text().substr(before.size());
    const bool from_snapshot = log.find("starts from snapshot") != std::string::npos;
    // The window counts from the newest version that ever was, so a rollback leaves fewer records.
    if (from_snapshot) EXPECT_NE(log.find("has no undo record"), std::string::npos) << log;
    by_undo_ += !to_a_snapshot && !from_snapshot;
    CompareIndexes(other);
    ExpectWhole(rng_.OneIn(2));
    Open();
    CompareSlots(other);
  }

  void CompareIndexes(const std::string& other) {
    const std::unique_ptr<KeyIndex> mine = OpenIndex(dir_);
    const std::unique_ptr<KeyIndex> theirs = OpenIndex(other);
    ASSERT_TRUE(EntriesOf(*mine) == EntriesOf(*theirs));
    Result<MetaRecord> my_meta = mine->Meta();
    Result<MetaRecord> their_meta = theirs->Meta();
    ASSERT_OK(my_meta);
    ASSERT_OK(their_meta);
    // The index from the snapshot lists slots as deferred that were reclaimed since.
    my_meta->cursor = their_meta->cursor;
    EXPECT_LE(my_meta->taken_slots, their_meta->taken_slots);
    my_meta->taken_slots = their_meta->taken_slots;
    EXPECT_EQ(*my_meta, *their_meta);
    const auto my_pages = PagesOf(*mine);
    auto their_pages = PagesOf(*theirs);
    for (const auto& [number, page] : my_pages) EXPECT_TRUE(page.live == their_pages[number].live);
    const Deferred my_deferred = DeferredOf(*mine);
    const Deferred their_deferred = DeferredOf(*theirs);
    for (const auto& [first, count, born, freed] : my_deferred) {
      EXPECT_TRUE(their_deferred.contains({first, count, born, freed}))
          << first.value() << "+" << count.value() << " born " << ToString(born) << " freed "
          << ToString(freed);
    }
  }

  // Once both have pruned, their slots are in the same states.
  void CompareSlots(const std::string& other) {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<Engine> theirs, Engine::Open(other, open_));
    ASSERT_OK(theirs->Prune());
    ASSERT_OK(engine_->Prune());
    ASSERT_OK_AND_ASSIGN(const EngineInfo info, theirs->Info());
    const SlotUse mine = Info().slots;
    EXPECT_EQ(mine.live, info.slots.live);
    EXPECT_EQ(mine.pinned, info.slots.pinned);
    EXPECT_EQ(mine.reclaimable, info.slots.reclaimable);
    EXPECT_EQ(mine.free, info.slots.free);
    ASSERT_OK(theirs->Close());
    fs::remove_all(other);
  }

  Rng rng_{TestSeed(71)};
  uint64_t by_undo_ = 0;  // rollbacks to a version that has no snapshot
};

TEST_P(UndoDifferentialTest, UndoLeadsToTheSameIndexAsSnapshotAndLog) {
  FormatAndOpen();
  const uint64_t steps = TestSteps(Share(500, 150));
  for (uint64_t step = 0; step < steps && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const uint64_t kind = rng_.Below(100);
    if (kind < 84) {
      ASSERT_NO_FATAL_FAILURE(Commit());
    } else if (kind < 87) {
      ASSERT_OK(engine_->CreateSnapshot());
    } else if (kind < 90) {
      ASSERT_OK(engine_->Prune());
    } else if (kind < 92) {
      Reopen();
    } else if (kind < 94) {
      ReopenKilled();
    } else {
      ASSERT_NO_FATAL_FAILURE(RollBackBothWays());
    }
  }
  EXPECT_GT(by_undo_, steps / 50);
}

INSTANTIATE_TEST_SUITE_P(All, UndoDifferentialTest,
                         testing::Values(DifferentialConfig{"Payloads", 12000, 64 * kMiB},
                                         DifferentialConfig{"PayloadsAndManyFlushes", 12000, 16 * kKiB},
                                         DifferentialConfig{"InlineValuesOnly", 190, 64 * kMiB}),
                         [](const auto& config) { return std::string(config.param.name); });

}  // namespace
}  // namespace rawkv
