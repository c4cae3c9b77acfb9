// Filesystems and devices that are really full (invariant 13). A put without room is refused as a whole.
// Reads, deletes and everything that makes room still work. Room that was made is used.

#include <filesystem>

#include "engine/admin/repair.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/index_threads.h"
#include "tests/support/sanitized.h"
#include "tests/support/small_filesystem.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

// Runs before the process has threads. A test that needs a mount asks again, and skips with the reason if
// this failed.
const Status kPrepared = SmallFilesystem::PrepareProcess();

std::string Inline(uint64_t seed) {
  return MakeValue({seed, 1000});
}

class FullFilesystemTest : public EngineTest, public testing::WithParamInterface<SmallFilesystem::Kind> {
 protected:
  // The device lies on another filesystem, so that only the metadata finds no room.
  void SetUp() override {
    Result<std::unique_ptr<SmallFilesystem>> mounted =
        SmallFilesystem::Mount(GetParam(), tmp_.path(), /*mebibytes=*/96);
    if (!mounted.ok()) GTEST_SKIP() << mounted.status().message();
    filesystem_ = *std::move(mounted);
    dir_ = filesystem_->path() + "/store";
    format_.device = tmp_.File("device");
    format_.runtime.wal_segment_bytes = 1 * kMiB;
    open_.memtable_bytes = 256 * kKiB;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    ASSERT_TRUE(fs::exists(Path("reserve")));
    for (uint64_t v = 1; v <= 20; ++v) {
      Put("old" + std::to_string(v % 5), Inline(v));
      Put("payload", OneSlot(v));
    }
    ASSERT_OK(engine_->CreateSnapshot());
  }
  void TearDown() override {
    if (HasFailure()) std::printf("%s", logger_.text().c_str());
    if (engine_ != nullptr) Close();
    // The check needs a clone of the index, for which a full filesystem has no room.
    if (filesystem_ != nullptr) filesystem_->RemoveFill();
    EngineTest::TearDown();
  }

  CommitResult TryFill(uint64_t n) {
    WriteBatch batch;
    std::vector<std::string> values;
    for (uint64_t i = 0; i < 100; ++i) values.push_back(Inline(n * 100 + i));
    for (uint64_t i = 0; i < 100; ++i) batch.Put("fill" + std::to_string(n * 100 + i), values[i]);
    return engine_->Commit(batch);
  }
  // Another program takes most of the room, then commits take the rest until they are refused.
  void FillUp() {
    // A failed index flush releases the room that it had taken, so that a commit may succeed after one
    // refusal. Three refusals in a row end the loop.
    ASSERT_OK(filesystem_->FillTo(3 * kMiB));
    for (int refused = 0; refused < 3;) {
      ASSERT_LT(filled_, 1000u);
      const CommitResult result = TryFill(filled_);
      if (result.ok()) {
        ++filled_;
        refused = 0;
        continue;
      }
      ASSERT_STATUS(result, StatusCode::kNoSpace);
      ASSERT_EQ(result.outcome, CommitOutcome::kNotApplied);
      ++refused;
      ASSERT_OK(filesystem_->FillTo(0));
    }
    ASSERT_GT(filled_, 5u);
  }
  void ExpectReadable() {
    EXPECT_EQ(Get("payload"), OneSlot(20));
    EXPECT_EQ(Get("old0"), Inline(20));
    for (uint64_t n = 0; n < filled_; ++n) {
      EXPECT_EQ(Get("fill" + std::to_string(n * 100 + 7)), Inline(n * 100 + 7));
    }
    EXPECT_FALSE(Has("fill" + std::to_string(filled_ * 100)));
  }

  std::unique_ptr<SmallFilesystem> filesystem_;
  uint64_t filled_ = 0;
};

TEST_P(FullFilesystemTest, PreallocationWithoutRoomLeavesNothing) {
  ASSERT_OK(filesystem_->FillTo(12 * kMiB));
  FormatOptions format = format_;
  format.capacity_bytes = 64 * kMiB;
  format.device.clear();  // the file device.img in the store's directory
  format.preallocate = true;
  const std::string dir = fs::path(dir_).parent_path() / "other";
  EXPECT_STATUS(Engine::Format(dir, format), StatusCode::kNoSpace);
  EXPECT_TRUE(!fs::exists(dir) || fs::is_empty(dir));
  format.preallocate = false;
  EXPECT_OK(Engine::Format(dir, format));  // a sparse file needs no room
}

TEST_P(FullFilesystemTest, RefusedCommitChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const Version tip = engine_->version();
  {
    // A compaction that finds no room would release the room that it had taken.
    const HeldIndexPool no_compaction(IndexPool::kCompaction);
    ASSERT_OK(filesystem_->FillTo(0));
    for (int i = 0; i < 3; ++i) {
      const CommitResult refused = TryFill(filled_);
      EXPECT_STATUS(refused, StatusCode::kNoSpace);
      EXPECT_EQ(refused.outcome, CommitOutcome::kNotApplied);
    }
  }
  EXPECT_EQ(engine_->version(), tip);
  EXPECT_EQ(Info().health, "ok");
  ExpectReadable();
  // The other program releases its room. The store need not be reopened.
  filesystem_->RemoveFill();
  EXPECT_OK(TryFill(filled_++));
  ExpectReadable();
}

// An index flush finds no room in the background. The next commit finds room again and must not return the
// old failure.
TEST_P(FullFilesystemTest, FlushThatFoundNoRoomIsRetriedBeforeCommitFails) {
  const uint64_t entries = 3 * open_.memtable_bytes / 1000;
  WriteBatch large;
  const std::string value = Inline(1);
  for (uint64_t i = 0; i < entries; ++i) large.Put("large" + std::to_string(i), value);
  {
    const HeldIndexPool no_flush(IndexPool::kFlush);
    ASSERT_OK(engine_->Commit(large));  // has begun a flush
    ASSERT_OK(filesystem_->FillTo(0));
  }
  AwaitIndexThreads();
  ASSERT_NE(logger_.text().find("No space left"), std::string::npos)
      << "the flush found room: the test shows nothing";
  filesystem_->RemoveFill();
  EXPECT_OK(TryFill(filled_++));
}

TEST_P(FullFilesystemTest, OldVersionsCanBeRead) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  EXPECT_EQ(Get("payload", Version(30)), OneSlot(15));
  EXPECT_EQ(Get("payload", Version(4)), OneSlot(2));
}

TEST_P(FullFilesystemTest, DeletesAreStillApplied) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  for (uint64_t n = 0; n < filled_; ++n) {
    WriteBatch batch;
    batch.DeletePrefix("fill" + std::to_string(n));
    ASSERT_OK(engine_->Commit(batch)) << n;
  }
  EXPECT_FALSE(Has("fill7"));
  EXPECT_EQ(Get("payload"), OneSlot(20));
}

TEST_P(FullFilesystemTest, SnapshotAndPruneMakeRoom) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots(), std::vector{engine_->version()});
  // A compaction that finds no room takes, until it has failed, what the prune has released.
  const HeldIndexPool no_compaction(IndexPool::kCompaction);
  EXPECT_OK(TryFill(filled_++));
  ExpectReadable();
}

TEST_P(FullFilesystemTest, ReopensAndTakesCommitsOnceThereIsRoom) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const Version tip = engine_->version();
  Reopen();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(engine_->version(), tip);
  ExpectReadable();
  filesystem_->RemoveFill();
  EXPECT_OK(TryFill(filled_++));
}

TEST_P(FullFilesystemTest, ReopensWithoutTheWorkingIndex) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const Version tip = engine_->version();
  Close();
  // The room of the removed index is taken, too.
  fs::remove_all(Path("working"));
  ASSERT_OK(filesystem_->FillTo(0));
  Open();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(engine_->version(), tip);
  ExpectReadable();
}

TEST_P(FullFilesystemTest, RollsBack) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  ASSERT_OK(engine_->Rollback(Version(30)));
  EXPECT_EQ(engine_->version(), Version(30));
  EXPECT_EQ(Get("payload"), OneSlot(15));
  EXPECT_FALSE(Has("fill7"));
  // The rollback cuts the log, which makes room.
  const HeldIndexPool no_compaction(IndexPool::kCompaction);
  EXPECT_OK(TryFill(0));
}

TEST_P(FullFilesystemTest, RollsBackOffline) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  Close();
  ASSERT_OK(filesystem_->FillTo(0));
  ASSERT_OK(OfflineRollback(dir_, Version(30), {}, open_));
  Open();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Get("payload"), OneSlot(15));
}

TEST_P(FullFilesystemTest, PinsAndUnpins) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  EXPECT_OK(engine_->Pin("held", Version(40)));
  EXPECT_OK(engine_->Unpin("held"));
}

// Other programs have taken the reserve as well: no block is free.
TEST_P(FullFilesystemTest, OpensAndReadsWithoutAFreeBlock) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const Version tip = engine_->version();
  Close();
  fs::remove(Path("reserve"));
  ASSERT_OK(filesystem_->FillTo(0));
  Open();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(engine_->version(), tip);
  ExpectReadable();
  EXPECT_EQ(Get("payload", Version(30)), OneSlot(15));
  EXPECT_STATUS(TryFill(filled_), StatusCode::kNoSpace, "reopen");
  EXPECT_STATUS(engine_->CreateSnapshot(), StatusCode::kNoSpace);
  EXPECT_STATUS(engine_->Rollback(Version(30)), StatusCode::kNoSpace, "reopen");
  EXPECT_EQ(Get("payload"), OneSlot(20));
  Delete("payload");
  ASSERT_OK(engine_->Prune(0));
  filesystem_->RemoveFill();
  Reopen();
  ASSERT_NE(engine_, nullptr);
  EXPECT_FALSE(Has("payload"));
  EXPECT_OK(TryFill(filled_++));
  EXPECT_OK(engine_->CreateSnapshot());
}

TEST_P(FullFilesystemTest, ReadOnlyOpenAndCheckNeedNoFreeBlock) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  Close();
  fs::remove(Path("reserve"));
  ASSERT_OK(filesystem_->FillTo(0));
  ExpectWhole();
  open_.read_only = true;
  Open();
  ASSERT_NE(engine_, nullptr);
  ExpectReadable();
  EXPECT_EQ(Get("payload", Version(30)), OneSlot(15));
  Close();
  open_.read_only = false;
}

TEST_P(FullFilesystemTest, PutsNeverSpendTheReserve) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const uint64_t held = fs::file_size(Path("reserve"));
  for (int i = 0; i < 20; ++i) {
    // Compactions and the files that an open replaces make room, which a put may use.
    const CommitResult result = TryFill(filled_);
    if (result.ok()) {
      ++filled_;
    } else {
      EXPECT_STATUS(result, StatusCode::kNoSpace);
    }
    Reopen();
    ASSERT_NE(engine_, nullptr);
  }
  // Puts are refused when less than half of the reserve is left. The last open may have spent an eighth of it
  // on its own files.
  EXPECT_GE(fs::file_size(Path("reserve")) + 64 * kKiB, held / 2 - held / 8);
  ExpectReadable();
}

TEST_P(FullFilesystemTest, OpenWithRoomCompletesTheReserve) {
  ASSERT_NO_FATAL_FAILURE(FillUp());
  const uint64_t whole = fs::file_size(Path("reserve"));
  fs::resize_file(Path("reserve"), whole / 2);
  ASSERT_OK(filesystem_->FillTo(0));
  Reopen();
  ASSERT_NE(engine_, nullptr);
  filesystem_->RemoveFill();
  Reopen();
  ASSERT_NE(engine_, nullptr);
  EXPECT_GE(fs::file_size(Path("reserve")), whole);
  EXPECT_OK(TryFill(filled_++));
}

INSTANTIATE_TEST_SUITE_P(Kinds, FullFilesystemTest,
                         testing::Values(SmallFilesystem::Kind::kTmpfs, SmallFilesystem::Kind::kExt4),
                         [](const auto& tested) {
                           return tested.param == SmallFilesystem::Kind::kTmpfs ? "tmpfs" : "ext4";
                         });

// The device is a sparse file on the full filesystem.
class FullSparseDeviceTest : public EngineTest, public testing::WithParamInterface<SmallFilesystem::Kind> {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<SmallFilesystem>> mounted =
        SmallFilesystem::Mount(GetParam(), tmp_.path(), /*mebibytes=*/64);
    if (!mounted.ok()) GTEST_SKIP() << mounted.status().message();
    filesystem_ = *std::move(mounted);
    dir_ = filesystem_->path() + "/store";
    format_.capacity_bytes = 256 * kMiB;
    format_.runtime.wal_segment_bytes = 1 * kMiB;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  }
  void TearDown() override {
    if (engine_ != nullptr) Close();
    if (filesystem_ != nullptr) filesystem_->RemoveFill();
    EngineTest::TearDown();
  }
  CommitResult TryPut(const std::string& key) {
    WriteBatch batch;
    batch.Put(key, std::string(3 * kMiB, key.back()));
    return engine_->Commit(batch);
  }
  uint64_t FreeBytes() { return fs::space(dir_).available; }

  std::unique_ptr<SmallFilesystem> filesystem_;
};

TEST_P(FullSparseDeviceTest, RefusedPutReleasesItsRoom) {
  ASSERT_OK(TryPut("first"));
  ASSERT_OK(filesystem_->FillTo(5 * kMiB / 2));
  const uint64_t free = FreeBytes();
  for (int i = 0; i < 5; ++i) {
    EXPECT_STATUS(TryPut("refused"), StatusCode::kNoSpace);
    EXPECT_GE(FreeBytes() + 256 * kKiB, free) << i;
  }
  EXPECT_EQ(Get("first"), std::string(3 * kMiB, 't'));
  filesystem_->RemoveFill();
  ASSERT_OK(TryPut("second"));
  EXPECT_EQ(Get("second"), std::string(3 * kMiB, 'd'));
}

TEST_P(FullSparseDeviceTest, RefusedPutsDoNotUseTheRoomThatOtherCallsNeed) {
  uint64_t taken = 0;
  while (TryPut("key" + std::to_string(taken)).ok()) ASSERT_LT(++taken, 100u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_STATUS(TryPut("more"), StatusCode::kNoSpace);
    Reopen();
    ASSERT_NE(engine_, nullptr);
  }
  EXPECT_EQ(Get("key0").size(), 3 * kMiB);
  Delete("key0");
  EXPECT_OK(engine_->CreateSnapshot());
  EXPECT_OK(engine_->Prune(0));
  Delete("key1");
  EXPECT_EQ(Get("key1", Previous(engine_->version())).size(), 3 * kMiB);
  ASSERT_OK(engine_->Rollback(Previous(engine_->version())));
  EXPECT_EQ(Get("key1").size(), 3 * kMiB);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FullSparseDeviceTest,
                         testing::Values(SmallFilesystem::Kind::kTmpfs, SmallFilesystem::Kind::kExt4),
                         [](const auto& tested) {
                           return tested.param == SmallFilesystem::Kind::kTmpfs ? "tmpfs" : "ext4";
                         });

class FullDeviceTest : public EngineTest {
 protected:
  void SetUp() override {
    format_.capacity_bytes = 1 * kMiB;
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  }
  CommitResult TryPut(const std::string& key, uint64_t seed = 1000) {
    WriteBatch batch;
    batch.Put(key, OneSlot(seed));
    return engine_->Commit(batch);
  }
  // Puts payloads under new keys until one is refused. Returns the number of accepted puts.
  uint64_t FillUp(const std::string& prefix = "k") {
    for (uint64_t n = 1;; ++n) {
      const CommitResult result = TryPut(prefix + std::to_string(n), n);
      if (result.ok()) continue;
      EXPECT_STATUS(result, StatusCode::kNoSpace);
      EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
      return n - 1;
    }
  }
};

TEST_F(FullDeviceTest, EverySlotIsUsedAndDeletedSlotsAreReused) {
  const uint64_t taken = FillUp();
  EXPECT_EQ(Info().slots.free, 0u);
  EXPECT_EQ(Info().slots.live, taken);
  for (uint64_t n = 1; n <= taken; ++n) EXPECT_EQ(Get("k" + std::to_string(n)), OneSlot(n));
  EXPECT_STATUS(TryPut("k"), StatusCode::kNoSpace);
  Put("inline", "values need no slot");
  Delete("k1");
  Delete("k2");
  // The previous version still needs the slots. A commit that needs room gives up that version by itself.
  Put("again1", OneSlot(101));
  Put("again2", OneSlot(102));
  EXPECT_EQ(Get("again1"), OneSlot(101));
  EXPECT_EQ(Get("k3"), OneSlot(3));
  Reopen();
  EXPECT_EQ(Get("again2"), OneSlot(102));
  EXPECT_EQ(Info().slots.free, 0u);
}

TEST_F(FullDeviceTest, PinnedSlotsAreNotReused) {
  const uint64_t taken = FillUp();
  ASSERT_OK(engine_->Pin("held"));
  const Version held = engine_->version();
  for (uint64_t n = 1; n <= taken; ++n) Delete("k" + std::to_string(n));
  EXPECT_STATUS(TryPut("new"), StatusCode::kNoSpace);
  // Each read opens that version again.
  for (uint64_t n = 1; n <= taken; n += Share(1, 9)) {
    EXPECT_EQ(Get("k" + std::to_string(n), held), OneSlot(n));
  }
  ASSERT_OK(engine_->Unpin("held"));
  EXPECT_OK(TryPut("new"));
}

TEST_F(FullDeviceTest, SlotsOfAViewAreNotReused) {
  const uint64_t taken = FillUp();
  std::shared_ptr<const ReadView> view = View();
  for (uint64_t n = 1; n <= taken; ++n) Delete("k" + std::to_string(n));
  EXPECT_STATUS(TryPut("new"), StatusCode::kNoSpace);
  for (uint64_t n = 1; n <= taken; ++n) {
    const Result<Value> read = engine_->Get("k" + std::to_string(n), {.view = view.get()});
    ASSERT_OK(read);
    EXPECT_EQ(read->bytes, OneSlot(n));
  }
  view.reset();
  EXPECT_OK(TryPut("new"));
}

TEST_F(FullDeviceTest, RollsBackAndReopens) {
  const uint64_t taken = FillUp();
  const Version full = engine_->version();
  Delete("k1");
  Put("inline", "no slot");
  ASSERT_OK(engine_->Rollback(full));
  EXPECT_EQ(Get("k1"), OneSlot(1));
  EXPECT_STATUS(TryPut("new"), StatusCode::kNoSpace);
  Reopen();
  EXPECT_EQ(Get("k" + std::to_string(taken)), OneSlot(taken));
  EXPECT_STATUS(TryPut("new"), StatusCode::kNoSpace);
  Delete("k1");
  EXPECT_OK(TryPut("new"));
}

}  // namespace
}  // namespace rawkv
