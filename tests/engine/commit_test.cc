// Commit: accepted and refused batches, answers and limits.

#include <sys/mman.h>

#include "tests/engine/engine_fixture.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

class CommitTest : public EngineTest {
 protected:
  // Expects that the commit is refused and changes nothing.
  void ExpectRefused(const WriteBatch& batch, StatusCode code, const CommitOptions& options = {}) {
    const Version tip = engine_->version();
    const EngineInfo before = Info();
    const EngineStats counted = engine_->stats();
    const CommitResult result = engine_->Commit(batch, options);
    EXPECT_STATUS(result, code);
    EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
    EXPECT_EQ(engine_->version(), tip);
    const EngineInfo after = Info();
    EXPECT_EQ(after.slots.free, before.slots.free);
    EXPECT_EQ(after.slots.reserved, 0);
    EXPECT_EQ(engine_->stats().commits, counted.commits);
    EXPECT_EQ(engine_->stats().log_bytes_written, counted.log_bytes_written);
  }
  void ExpectInvalid(const WriteBatch& batch) { ExpectRefused(batch, StatusCode::kInvalidArgument); }
};

TEST_F(CommitTest, EveryCommitIsTheNextVersion) {
  FormatAndOpen();
  EXPECT_EQ(EmptyCommit(), Version(1));
  EXPECT_EQ(Put("k", "v"), Version(2));
  EXPECT_EQ(Delete("absent"), Version(3));
  EXPECT_EQ(engine_->version(), Version(3));
  EXPECT_EQ(engine_->durable_version(), Version(3));
  Reopen();
  EXPECT_EQ(engine_->version(), Version(3));
  EXPECT_EQ(EmptyCommit(), Version(4));
}

TEST_F(CommitTest, LaterOperationsOfABatchWin) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("twice", OneSlot(1));
  batch.Put("twice", OneSlot(2));
  batch.Put("gone", "v");
  batch.Delete("gone");
  batch.Delete("back");
  batch.Put("back", "v");
  batch.Put("r/1", OneSlot(3));
  batch.Put("r/2", "v");
  batch.DeletePrefix("r/");
  batch.Put("r/2", "after");
  ASSERT_OK(engine_->Commit(batch));
  EXPECT_EQ(Get("twice"), OneSlot(2));
  EXPECT_FALSE(Has("gone"));
  EXPECT_EQ(Get("back"), "v");
  EXPECT_FALSE(Has("r/1"));
  EXPECT_EQ(Get("r/2"), "after");
  EXPECT_EQ(Info().slots.live, 1);
}

TEST_F(CommitTest, DeleteRangeAndDeletePrefixRemoveOnlyKeysInside) {
  FormatAndOpen();
  const auto fill = [&] {
    WriteBatch batch;
    for (const char* key : {"a", "b", "b\x01", "ba", "c", "\xff", "\xff\xff"}) batch.Put(key, key);
    ASSERT_OK(engine_->Commit(batch));
  };
  const auto left_after = [&](const WriteBatch& batch) {
    fill();
    EXPECT_OK(engine_->Commit(batch));
    std::string left;
    auto it = engine_->NewIterator();
    for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next()) left += std::string((*it)->key()) + ",";
    return left;
  };
  const auto range = [](std::string_view begin, std::string_view end) {
    WriteBatch batch;
    batch.DeleteRange(begin, end);
    return batch;
  };
  const auto prefix = [](std::string_view p) {
    WriteBatch batch;
    batch.DeletePrefix(p);
    return batch;
  };
  EXPECT_EQ(left_after(range("b", "c")), "a,c,\xff,\xff\xff,");
  EXPECT_EQ(left_after(range("b", std::string_view("b\0", 2))), "a,b\x01,ba,c,\xff,\xff\xff,");
  EXPECT_EQ(left_after(range("b", "")), "a,");
  EXPECT_EQ(left_after(range("", "b")), "b,b\x01,ba,c,\xff,\xff\xff,");
  EXPECT_EQ(left_after(range("", "")), "");
  EXPECT_EQ(left_after(range("bb", "bz")), "a,b,b\x01,ba,c,\xff,\xff\xff,");
  EXPECT_EQ(left_after(prefix("b")), "a,c,\xff,\xff\xff,");
  EXPECT_EQ(left_after(prefix("\xff")), "a,b,b\x01,ba,c,");
  EXPECT_EQ(left_after(prefix("\xff\xff")), "a,b,b\x01,ba,c,\xff,");
  EXPECT_EQ(left_after(prefix("")), "");
}

TEST_F(CommitTest, KeysHaveOneByteToSixtyFourKiB) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("", "v");
  ExpectInvalid(batch);
  batch.Clear();
  batch.Delete("");
  ExpectInvalid(batch);
  const std::string longest(64 * kKiB, 'k');
  batch.Clear();
  batch.Put(longest + "k", "v");
  ExpectInvalid(batch);
  batch.Clear();
  batch.Delete(longest + "k");
  ExpectInvalid(batch);
  batch.Clear();
  batch.DeleteRange("a", longest + "k");
  ExpectInvalid(batch);

  Put(longest, OneSlot(1));
  Put(std::string(1, '\0'), "shortest");
  EXPECT_EQ(Get(longest), OneSlot(1));
  EXPECT_EQ(Get(std::string_view("\0", 1)), "shortest");
  EXPECT_STATUS(engine_->Get(""), StatusCode::kInvalidArgument);
  EXPECT_STATUS(engine_->Get(longest + "k"), StatusCode::kInvalidArgument);
  EXPECT_STATUS(engine_->Exists(""), StatusCode::kInvalidArgument);
  const std::vector<std::string_view> keys{"", longest};
  const auto got = engine_->MultiGet(keys);
  EXPECT_STATUS(got[0], StatusCode::kInvalidArgument);
  EXPECT_OK(got[1]);
}

TEST_F(CommitTest, PayloadKeysMustFitTheExtentHeader) {
  format_.header_bytes = 4096;
  FormatAndOpen();
  WriteBatch batch;
  batch.Put(std::string(4096, 'k'), OneSlot(1));
  ExpectInvalid(batch);
  Put(std::string(4096, 'k'), "inline values have no header");
  Put(std::string(3900, 'k'), OneSlot(1));
  EXPECT_EQ(Get(std::string(3900, 'k')), OneSlot(1));
}

TEST_F(CommitTest, ValueOverOneGiBIsRefusedWithoutReadingIt) {
  FormatAndOpen();
  const uint64_t bytes = (1ull << 30) + 1;
  // The pages cannot be read: a read of the value would end the program.
  void* const memory = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  WriteBatch batch;
  batch.PutBorrowed("k", {static_cast<const std::byte*>(memory), bytes});
  ExpectInvalid(batch);
  // The size is permitted, but the device is smaller: the commit is refused before the payload is read.
  WriteBatch fits;
  fits.PutBorrowed("k", {static_cast<const std::byte*>(memory), bytes - 1});
  ExpectRefused(fits, StatusCode::kNoSpace);
  munmap(memory, bytes);
}

TEST_F(CommitTest, RangeThatEndsAtOrBeforeItsBeginIsRefused) {
  FormatAndOpen();
  for (const char* end : {"b", "a"}) {
    WriteBatch batch;
    batch.Put("k", OneSlot(1));
    batch.DeleteRange("b", end);
    ExpectInvalid(batch);
  }
}

TEST_F(CommitTest, BatchIsBoundedInOperations) {
  if (kSanitized) GTEST_SKIP() << "a million operations take minutes under sanitizers";
  format_.runtime.wal_segment_bytes = 128 * kMiB;
  FormatAndOpen();
  WriteBatch batch;
  for (size_t i = 0; i < WriteBatch::kMaxOperations; ++i) batch.Delete("k");
  EXPECT_OK(engine_->Commit(batch));
  batch.Delete("k");
  ExpectInvalid(batch);
}

TEST_F(CommitTest, BatchIsBoundedInMetadata) {
  FormatAndOpen();
  WriteBatch batch;
  batch.SetMetadata(std::string(64 * kKiB + 1, 'm'));
  ExpectInvalid(batch);
  batch.SetMetadata(std::string(64 * kKiB, 'm'));
  EXPECT_OK(engine_->Commit(batch));
  ASSERT_OK_AND_ASSIGN(const CommitRecord record, engine_->GetCommit(engine_->version()));
  EXPECT_EQ(record.metadata, std::string(64 * kKiB, 'm'));
}

TEST_F(CommitTest, ChangeSetMustFitALogSegment) {
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  Put("a", "before");
  uint64_t largest = 0;
  for (uint64_t keys = 50; keys <= 80; ++keys) {
    WriteBatch batch;
    batch.Put("payload", OneSlot(keys));
    for (uint64_t i = 0; i < keys; ++i) batch.Put("k" + std::to_string(i), std::string(1000, 'v'));
    const Version tip = engine_->version();
    const CommitResult result = engine_->Commit(batch);
    EXPECT_EQ(engine_->version(), result.ok() ? Next(tip) : tip);
    if (result.ok()) {
      EXPECT_EQ(largest, keys == 50 ? 0 : keys - 1)
          << "a larger batch is accepted after a smaller one was refused";
      largest = keys;
    } else {
      EXPECT_STATUS(result, StatusCode::kInvalidArgument, "65536", "split");
      EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
    }
  }
  EXPECT_GT(largest, 50);
  EXPECT_LT(largest, 66);
  EXPECT_EQ(Info().slots.reserved, 0);
  EXPECT_EQ(Info().slots.live, 1);
  Reopen();
  EXPECT_EQ(Get("payload"), OneSlot(largest));
}

TEST_F(CommitTest, ExpectedVersionMustBeTheNext) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("k", OneSlot(1));
  EXPECT_OK(engine_->Commit(batch, {.expected_version = Version(1)}));
  for (const uint64_t wrong : {0, 1, 3}) {
    ExpectRefused(batch, StatusCode::kFailedPrecondition, {.expected_version = Version(wrong)});
  }
  EXPECT_OK(engine_->Commit(batch, {.expected_version = Version(2)}));
  EXPECT_EQ(Info().slots.live, 1);
}

TEST_F(CommitTest, UnsyncedCommitsAreVisibleButNotKnownDurable) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Put("k", OneSlot(1));
  Put("k", OneSlot(2));
  EXPECT_EQ(engine_->version(), Version(2));
  EXPECT_EQ(engine_->durable_version(), Version(0));
  ASSERT_OK(engine_->Sync());
  EXPECT_EQ(engine_->durable_version(), Version(2));
  EmptyCommit();
  EXPECT_EQ(engine_->durable_version(), Version(2));
  // One synced commit makes all earlier commits durable.
  const CommitResult result = engine_->Commit(WriteBatch(), {.durability = Durability::kSynced});
  ASSERT_OK(result);
  EXPECT_EQ(engine_->durable_version(), Version(4));
  EmptyCommit();
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(engine_->durable_version(), Version(5));
  EmptyCommit();
  Reopen();
  EXPECT_EQ(engine_->durable_version(), Version(6));
}

TEST_F(CommitTest, SyncedStoreTakesUnsyncedCommits) {
  FormatAndOpen();
  ASSERT_OK(engine_->Commit(WriteBatch(), {.durability = Durability::kUnsafeUnsynced}));
  EXPECT_EQ(engine_->version(), Version(1));
  EXPECT_EQ(engine_->durable_version(), Version(0));
  EmptyCommit();
  EXPECT_EQ(engine_->durable_version(), Version(2));
}

TEST_F(CommitTest, KilledProcessLosesNothingThatWasAcknowledged) {
  FormatAndOpen();
  Overwrite("k", 5);
  ReopenKilled();
  EXPECT_EQ(engine_->version(), Version(5));
  EXPECT_EQ(Get("k"), OneSlot(5));
  // A kill does not lose unsynced commits either: the kernel has them.
  ASSERT_OK(engine_->Commit(WriteBatch(), {.durability = Durability::kUnsafeUnsynced}));
  ReopenKilled();
  EXPECT_EQ(engine_->version(), Version(6));
}

TEST_F(CommitTest, CommitRecordHoldsTimeMetadataAndLineage) {
  FormatAndOpen();
  WriteBatch batch;
  batch.SetMetadata("block 1");
  ASSERT_OK(engine_->Commit(batch));
  EmptyCommit();
  ASSERT_OK_AND_ASSIGN(const CommitRecord record, engine_->GetCommit(Version(1)));
  EXPECT_EQ(record.metadata, "block 1");
  EXPECT_EQ(record.lineage, Info().lineage);
  EXPECT_GT(record.time_unix_ms, 1'600'000'000'000u);
  EXPECT_EQ(engine_->GetCommit(Version(2))->metadata, "");
  EXPECT_OK(engine_->GetCommit(Version(0)));
  EXPECT_STATUS(engine_->GetCommit(Version(3)), StatusCode::kVersionUnreachable, "3");
}

TEST_F(CommitTest, StatsCountEachOperation) {
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("key", OneSlot(1));
  batch.Delete("other");
  ASSERT_OK(engine_->Commit(batch));
  Get("key");
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(stats.commits, 1);
  EXPECT_EQ(stats.groups, 1);
  EXPECT_EQ(stats.user_bytes_written, 3 + 4096 + 5);
  EXPECT_GE(stats.device_bytes_written, 4096);
  EXPECT_GE(stats.device_bytes_read, 4096);
  EXPECT_GE(stats.device_flushes, 1);
  EXPECT_GT(stats.log_bytes_written, 0);
  EXPECT_EQ(stats.gets, 1);
}

TEST_F(CommitTest, CommitOnAFullDeviceIsNotAppliedAndDeletesMakeRoom) {
  format_.capacity_bytes = 4 * kMiB;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  const uint64_t total = Info().slots.total;
  uint64_t stored = 0;
  CommitResult result;
  for (;; ++stored) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(stored), OneSlot(stored));
    result = engine_->Commit(batch);
    if (!result.ok()) break;
  }
  EXPECT_STATUS(result, StatusCode::kNoSpace, "device");
  EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
  EXPECT_EQ(stored, total) << "not every slot was used";
  const EngineInfo full = Info();
  EXPECT_EQ(full.slots.live, total);
  EXPECT_EQ(full.health, "ok");
  // Reads, inline values, deletes and a reopen still work.
  EXPECT_EQ(Get("k7"), OneSlot(7));
  Put("small", "inline");
  Reopen();
  // An overwrite needs a free slot. A delete makes one as soon as no hold needs the old version.
  WriteBatch batch;
  batch.Put("k0", OneSlot(1000));
  EXPECT_STATUS(engine_->Commit(batch), StatusCode::kNoSpace);
  Delete("k1");
  EXPECT_OK(engine_->Commit(batch));
  EXPECT_EQ(Get("k0"), OneSlot(1000));
  EXPECT_STATUS(engine_->OpenView(Version(3)), StatusCode::kVersionUnreachable);
}

TEST_F(CommitTest, FullDeviceNeverReusesSlotsThatPinsOrViewsHold) {
  format_.capacity_bytes = 4 * kMiB;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Put("k", OneSlot(1));
  ASSERT_OK(engine_->Pin("keep"));
  Put("k", OneSlot(2));
  const auto view = View();
  Put("k", OneSlot(3));
  const uint64_t total = Info().slots.total;
  uint64_t stored = 0;
  for (;; ++stored) {
    WriteBatch batch;
    batch.Put("f" + std::to_string(stored), OneSlot(stored));
    if (!engine_->Commit(batch).ok()) break;
  }
  EXPECT_EQ(stored, total - 3);
  EXPECT_EQ(PinnedBy("pin", "keep"), 1);
  EXPECT_EQ(PinnedBy("view", "2"), 1);
  EXPECT_EQ(Get("k", Version(1)), OneSlot(1));
  ASSERT_OK_AND_ASSIGN(const Value viewed, engine_->Get("k", {.view = view.get()}));
  EXPECT_EQ(viewed.bytes, OneSlot(2));
  EXPECT_EQ(Get("k"), OneSlot(3));
}

TEST_F(CommitTest, BatchThatDoesNotFitReleasesAllItsSlots) {
  format_.capacity_bytes = 4 * kMiB;
  FormatAndOpen();
  WriteBatch batch;
  for (uint64_t i = 0; i <= Info().slots.total; ++i) batch.Put("k" + std::to_string(i), OneSlot(i));
  ExpectRefused(batch, StatusCode::kNoSpace);
  EXPECT_EQ(Info().slots.free, Info().slots.total);
}

TEST_F(CommitTest, ValueIsSplitWhenNoSingleRunOfSlotsIsFree) {
  format_.capacity_bytes = 4 * kMiB;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  uint64_t stored = 0;
  for (;; ++stored) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(stored), OneSlot(stored));
    if (!engine_->Commit(batch).ok()) break;
  }
  WriteBatch holes;
  for (uint64_t i = 0; i < 60; i += 2) holes.Delete("k" + std::to_string(i));
  ASSERT_OK(engine_->Commit(holes));
  const std::string value = MakeValue({77, 30 * 4096 - 100});
  Put("pieces", value);
  EXPECT_EQ(Get("pieces"), value);
  std::string part(50000, '\0');
  ASSERT_OK(engine_->GetRange("pieces", 4000, AsWritableBytes(part)));
  EXPECT_EQ(part, value.substr(4000, 50000));
  EXPECT_EQ(Info().slots.free, 0);
  Reopen();
  EXPECT_EQ(Get("pieces"), value);
}

}  // namespace
}  // namespace rawkv
