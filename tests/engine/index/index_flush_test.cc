#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "engine/index/key_index.h"
#include "tests/engine/index/failing_table_files.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

// When the index flushes, and how a flush fails (invariants 8 and 13).
namespace rawkv {
namespace {

using Fault = FailingTableFiles::Fault;

class IndexFlush : public ::testing::Test {
 protected:
  IndexFlush() : index_(OpenOrFail({.dir = dir_, .create = true, .fs = files_})) {}

  // The version in the flushed files: copies them and reads the meta record of the copy.
  uint64_t FlushedVersion() {
    const std::string to = temp_.File("copy-" + std::to_string(copies_++));
    std::filesystem::create_directory(to);
    const Result<std::vector<LinkedFile>> files = index_->LinkInto(PosixFs(), to);
    EXPECT_OK(files);
    return AppliedVersion(*OpenReadOnly(to));
  }
  size_t Tables() const { return FilesIn(dir_, ".sst").size(); }
  static bool Eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  const TempDir temp_;
  const std::string dir_ = temp_.File("index");
  const std::shared_ptr<FailingTableFiles> files_ = std::make_shared<FailingTableFiles>();
  std::unique_ptr<KeyIndex> index_;
  int copies_ = 0;
};

TEST_F(IndexFlush, NeverHappensByItself) {
  const std::string value(1 << 20, 'v');
  for (uint64_t version = 1; version <= 200; ++version) {
    Commit(*index_, version, "key" + std::to_string(version), value);
  }
  EXPECT_EQ(Tables(), 0u);
  EXPECT_GT(index_->MemtableBytes(), 200u << 20);
  EXPECT_LT(index_->MemtableBytes(), 220u << 20);
}

TEST_F(IndexFlush, NeverHappensAtClose) {
  Commit(*index_, 1, "a", "flushed");
  Flush(*index_);
  Commit(*index_, 2, "a", "not flushed");
  index_.reset();
  index_ = OpenOrFail({.dir = dir_, .fs = files_});
  EXPECT_EQ(AppliedVersion(*index_), 1u);
  EXPECT_EQ(Tables(), 1u);
}

TEST_F(IndexFlush, MemtableGrowsWithItsContent) {
  EXPECT_LT(index_->MemtableBytes(), 64u << 10);
  Commit(*index_, 1, "a", "v");
  EXPECT_LT(index_->MemtableBytes(), 64u << 10);
}

// If the memtable took one block as large as its bound, every commit would begin a flush.
TEST_F(IndexFlush, MemtableGrowsInSmallBlocks) {
  index_.reset();
  index_ = OpenOrFail({.dir = dir_, .memtable_bytes = 64 << 10, .fs = files_});
  for (uint64_t version = 1; version <= 10; ++version) Commit(*index_, version, "a", std::string(500, 'v'));
  EXPECT_GT(index_->MemtableBytes(), 5000u);
  EXPECT_LT(index_->MemtableBytes(), 24u << 10);
}

TEST_F(IndexFlush, ContainsWhatWasAppliedBeforeItBegan) {
  Commit(*index_, 1, "a", "one");
  files_->HoldNewTables();
  ASSERT_TRUE(index_->StartFlush().ok());
  Commit(*index_, 2, "a", "two");  // the flush has begun but written nothing yet
  files_->Release();
  ASSERT_TRUE(index_->WaitFlush().ok());
  EXPECT_EQ(AppliedVersion(*index_), 2u);
  EXPECT_EQ(FlushedVersion(), 1u);
  Flush(*index_);
  EXPECT_EQ(FlushedVersion(), 2u);
}

TEST_F(IndexFlush, FlushOfAnEmptyMemtableDoesNothing) {
  ASSERT_TRUE(index_->StartFlush().ok());
  ASSERT_TRUE(index_->WaitFlush().ok());
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  Flush(*index_);
  EXPECT_EQ(Tables(), 1u);
  index_.reset();
  index_ = OpenOrFail({.dir = dir_, .fs = files_});
  Flush(*index_);
  EXPECT_EQ(Tables(), 1u);
}

TEST_F(IndexFlush, WaitCoversAllBegunFlushes) {
  files_->HoldNewTables();
  for (uint64_t version = 1; version <= 20; ++version) {
    Commit(*index_, version, "key" + std::to_string(version), "value");
    ASSERT_TRUE(index_->StartFlush().ok());
  }
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    files_->Release();
  });
  EXPECT_TRUE(index_->WaitFlush().ok());
  releaser.join();
  EXPECT_EQ(FlushedVersion(), 20u);
}

TEST_F(IndexFlush, FlushOfDeletesOnlyIsWaitedFor) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  const auto batch = index_->NewBatch();
  batch->PutEntry("b", InlineEntry(2, "short-lived"));
  batch->DeleteEntry("b");
  batch->DeleteEntry("a");
  ASSERT_TRUE(index_->Apply(*batch).ok());
  Flush(*index_);
  EXPECT_EQ(Tables(), 2u);
}

TEST_F(IndexFlush, FlushWithoutSpaceFailsAndMayBeRetried) {
  Commit(*index_, 1, "a", "one");
  files_->FailAppends(".sst", Fault::kNoSpace);
  ASSERT_TRUE(index_->StartFlush().ok());
  EXPECT_EQ(index_->WaitFlush().code(), StatusCode::kNoSpace);
  Commit(*index_, 2, "a", "two");  // commits still work
  EXPECT_EQ(Tables(), 0u);
  files_->Heal();
  // Nothing flushes by itself: RocksDB's own recovery would have written version 2 by now.
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(Tables(), 0u);
  Flush(*index_);
  EXPECT_EQ(FlushedVersion(), 2u);
}

TEST_F(IndexFlush, FlushOverQuotaOrWithoutDescriptorsFailsAndMayBeRetried) {
  uint64_t version = 0;
  for (const Fault fault : {Fault::kOverQuota, Fault::kTooManyOpenFiles}) {
    Commit(*index_, ++version, "a", "one");
    files_->FailAppends(".sst", fault);
    ASSERT_TRUE(index_->StartFlush().ok());
    const Status failed = index_->WaitFlush();
    EXPECT_TRUE(failed.lacks_resource()) << failed.ToString();
    EXPECT_EQ(failed.code(), fault == Fault::kOverQuota ? StatusCode::kNoSpace : StatusCode::kIoError);
    EXPECT_TRUE(index_->CheckWritable().ok());
    files_->Heal();
    Flush(*index_);
    EXPECT_EQ(FlushedVersion(), version);
  }
}

TEST_F(IndexFlush, FailedTableSyncIsPermanent) {
  Commit(*index_, 1, "a", "one");
  files_->FailSyncs(".sst", Fault::kIoError);
  ASSERT_TRUE(index_->StartFlush().ok());
  const Status first = index_->WaitFlush();
  EXPECT_STATUS(first, StatusCode::kIoError, dir_);
  files_->Heal();
  EXPECT_EQ(index_->StartFlush().message(), first.message());
  EXPECT_EQ(index_->WaitFlush().message(), first.message());
  ASSERT_OK_AND_ASSIGN(const std::optional<IndexEntry> still_readable, index_->Get("a"));
  EXPECT_TRUE(still_readable.has_value());
}

TEST_F(IndexFlush, FailedManifestWriteIsPermanent) {
  for (const Fault fault : {Fault::kNoSpace, Fault::kIoError}) {
    const std::string dir = temp_.File("manifest-" + std::to_string(static_cast<int>(fault)));
    const auto index = OpenOrFail({.dir = dir, .create = true, .fs = files_});
    Commit(*index, 1, "a", "one");
    files_->FailAppends("MANIFEST", fault);
    ASSERT_TRUE(index->StartFlush().ok());
    const Status failed = index->WaitFlush();
    // Not kNoSpace, because freeing space does not repair the manifest.
    EXPECT_EQ(failed.code(), StatusCode::kIoError);
    files_->Heal();
    EXPECT_EQ(index->StartFlush().message(), failed.message());
  }
}

TEST_F(IndexFlush, FlushWorksThoughCompactionFindsNoSpace) {
  index_->AllowCompaction();
  for (uint64_t version = 1; version <= 3; ++version) {
    Commit(*index_, version, "a", "value");
    Flush(*index_);
  }
  Commit(*index_, 4, "a", "value");
  files_->FillUpAfter(1);  // the fourth table fits, the compaction of the four does not
  Flush(*index_);
  ASSERT_TRUE(Eventually([&] { return files_->failures() > 0; }));
  Commit(*index_, 5, "a", "value");
  EXPECT_EQ(FlushedVersion(), 4u);
  files_->Heal();
  Flush(*index_);
  EXPECT_EQ(FlushedVersion(), 5u);
  EXPECT_TRUE(Eventually([&] { return Tables() <= 2; })) << "RocksDB gave up compacting";
}

// One thread commits and begins flushes, one waits for them and links the files, and one reads. Each copy
// must hold the state of one version, at least that of the flush that was waited for.
TEST_F(IndexFlush, CopiesMadeDuringCommitsHoldOneVersion) {
  constexpr uint64_t kVersions = 3000;
  std::atomic<uint64_t> flush_begun_at = 0;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (uint64_t version = 1; version <= kVersions; ++version) {
      Commit(*index_, version, "key" + std::to_string(version), "value");
      if (version % 100 == 0) {
        EXPECT_TRUE(index_->StartFlush().ok());
        flush_begun_at = version;
      }
    }
    done = true;
  });
  std::thread reader([&] {
    while (!done) {
      const std::shared_ptr<const ReadPoint> at = index_->TakeReadPoint();
      const Result<MetaRecord> meta = index_->Meta(at.get());
      if (!meta.ok()) continue;
      const uint64_t version = meta->applied.value();
      EXPECT_TRUE(index_->Get("key" + std::to_string(version), at.get())->has_value());
      EXPECT_FALSE(index_->Get("key" + std::to_string(version + 1), at.get())->has_value());
    }
  });
  while (!done) {
    const uint64_t at_least = flush_begun_at;
    EXPECT_TRUE(index_->WaitFlush().ok());
    if (at_least == 0) continue;
    const std::string to = temp_.File("copy-" + std::to_string(copies_++));
    std::filesystem::create_directory(to);
    ASSERT_TRUE(index_->LinkInto(PosixFs(), to).ok());
    const auto copy = OpenReadOnly(to);
    const uint64_t version = AppliedVersion(*copy);
    EXPECT_GE(version, at_least);
    EXPECT_EQ(version % 100, 0u);
    uint64_t keys = 0;
    const auto cursor = copy->NewCursor("", "", nullptr);
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) ++keys;
    EXPECT_EQ(keys, version);
  }
  writer.join();
  reader.join();
}

TEST_F(IndexFlush, CompactionsWaitUntilTheyAreAllowed) {
  constexpr size_t kTables = 8;  // RocksDB schedules a compaction from four tables on
  for (uint64_t version = 1; version <= kTables; ++version) {
    Commit(*index_, version, "key", std::to_string(version));
    Flush(*index_);
  }
  EXPECT_EQ(Tables(), kTables);
  // A waiting compaction does not delay a close, and is scheduled again after the next open.
  index_.reset();
  index_ = OpenOrFail({.dir = dir_, .fs = files_});
  EXPECT_EQ(Tables(), kTables);
  index_->AllowCompaction();
  EXPECT_TRUE(Eventually([&] { return Tables() < kTables; }));
  EXPECT_EQ(AppliedVersion(*index_), kTables);
}

}  // namespace
}  // namespace rawkv
