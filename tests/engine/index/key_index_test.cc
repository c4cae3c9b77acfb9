#include "engine/index/key_index.h"
#include "base/limits.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/engine/index/failing_table_files.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"
#include "tests/support/recording_logger.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

class KeyIndexTest : public ::testing::Test {
 protected:
  void Reopen() {
    index_.reset();
    index_ = OpenOrFail({.dir = dir_, .fs = nullptr});
  }
  std::vector<DeferredFree> DeferredThrough(uint64_t freed_through,
                                            const std::optional<DeferredFree>& after = {},
                                            const ReadPoint* at = nullptr) {
    std::vector<DeferredFree> seen;
    const Status status = index_->ForEachDeferred(
        Version(freed_through), after,
        [&](const DeferredFree& entry) {
          seen.push_back(entry);
          return true;
        },
        at);
    EXPECT_OK(status);
    return seen;
  }

  const TempDir temp_;
  const std::string dir_ = temp_.File("index");
  std::unique_ptr<KeyIndex> index_ = CreateIndex(dir_);
};

TEST_F(KeyIndexTest, CreatedIndexIsEmpty) {
  EXPECT_EQ(index_->Meta().status().code(), StatusCode::kNotFound);
  ASSERT_OK_AND_ASSIGN(const std::optional<IndexEntry> entry, index_->Get("a"));
  EXPECT_FALSE(entry.has_value());
  ASSERT_OK_AND_ASSIGN(const AllocationPage page, index_->Page(5));
  EXPECT_EQ(page, AllocationPage());
}

TEST_F(KeyIndexTest, OpeningAnAbsentIndexIsNotFound) {
  EXPECT_EQ(KeyIndex::Open({.dir = temp_.File("absent"), .fs = nullptr}).status().code(),
            StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(temp_.File("absent")));
  EXPECT_EQ(KeyIndex::Open({.dir = temp_.path(), .read_only = true, .fs = nullptr}).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(FilesIn(temp_.path(), ""), std::vector<std::string>{"index"});
}

TEST_F(KeyIndexTest, CreatingRefusesADirectoryThatHoldsAnIndex) {
  index_.reset();
  EXPECT_EQ(KeyIndex::Open({.dir = dir_, .create = true, .fs = nullptr}).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(KeyIndex::Open({.dir = temp_.File("x"), .read_only = true, .create = true, .fs = nullptr})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
}

TEST_F(KeyIndexTest, FilesAreAccessibleToTheirOwnerOnly) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  struct stat st = {};
  ASSERT_EQ(::stat(dir_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0700u);
  for (const std::string& name : FilesIn(dir_, "")) {
    ASSERT_EQ(::stat((dir_ + "/" + name).c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(KeyIndexTest, MakesNoLogFilesOfItsOwn) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  Reopen();
  for (const std::string& name : FilesIn(dir_, "")) EXPECT_FALSE(name.starts_with("LOG")) << name;
  // RocksDB creates its write-ahead log at each open, and it stays empty.
  for (const std::string& name : FilesIn(dir_, ".log")) EXPECT_EQ(FileContent(dir_ + "/" + name), "") << name;
}

TEST_F(KeyIndexTest, EntriesReadBackAsWritten) {
  const auto batch = index_->NewBatch();
  batch->PutEntry("inline", InlineEntry(1, "value"));
  batch->PutEntry("payload", PayloadEntry(1, 40, 300'000));
  batch->PutEntry(std::string(kMaxKeyBytes, 'K'), InlineEntry(1, "long key"));
  ASSERT_TRUE(index_->Apply(*batch).ok());
  for (const bool flushed : {false, true}) {
    if (flushed) {
      Flush(*index_);
      Reopen();
    }
    const std::string long_key(kMaxKeyBytes, 'K');
    const std::vector<std::string_view> keys = {"payload", "absent", "inline", long_key, "inline"};
    const auto found = index_->MultiGet(keys);
    ASSERT_EQ(found.size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto single = index_->Get(keys[i]);
      ASSERT_TRUE(found[i].ok() && single.ok());
      EXPECT_EQ(*found[i], *single);
    }
    EXPECT_EQ(*found[0], PayloadEntry(1, 40, 300'000));
    EXPECT_EQ(*found[1], std::nullopt);
    EXPECT_EQ(*found[2], InlineEntry(1, "value"));
    EXPECT_EQ(*found[3], InlineEntry(1, "long key"));
  }
}

TEST_F(KeyIndexTest, MultiGetReturnsEachOfManyKeys) {
  const auto batch = index_->NewBatch();
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) {
    keys.push_back("key" + std::to_string(i));
    if (i % 3 != 0) batch->PutEntry(keys.back(), InlineEntry(1, keys.back()));
  }
  ASSERT_TRUE(index_->Apply(*batch).ok());
  Flush(*index_);
  const auto found = index_->MultiGet(std::vector<std::string_view>(keys.begin(), keys.end()));
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(found[i].ok());
    EXPECT_EQ(found[i]->has_value(), i % 3 != 0) << i;
  }
  EXPECT_TRUE(index_->MultiGet({}).empty());
}

TEST_F(KeyIndexTest, ReadPointDoesNotChange) {
  AllocationPage page;
  page.taken[0] = 3;
  {
    const auto batch = index_->NewBatch();
    batch->PutEntry("a", InlineEntry(1, "one"));
    batch->PutPage(0, page);
    batch->PutDeferred(Deferred(1, 1, 1, 1));
    batch->PutMeta(MetaAt(1));
    ASSERT_TRUE(index_->Apply(*batch).ok());
  }
  const std::shared_ptr<const ReadPoint> at = index_->TakeReadPoint();
  {
    const auto batch = index_->NewBatch();
    batch->PutEntry("a", InlineEntry(2, "two"));
    batch->PutEntry("b", InlineEntry(2, "new"));
    batch->PutPage(0, AllocationPage());
    batch->PutPage(1, page);
    batch->DeleteDeferred(Deferred(1, 1, 1, 1));
    batch->PutMeta(MetaAt(2));
    ASSERT_TRUE(index_->Apply(*batch).ok());
  }
  Flush(*index_);
  const auto then = index_->MultiGet(std::vector<std::string_view>{"a", "b"}, at.get());
  ASSERT_TRUE(then[0].ok() && then[1].ok());
  EXPECT_EQ(*then[0], InlineEntry(1, "one"));
  EXPECT_EQ(*then[1], std::nullopt);
  EXPECT_EQ(*index_->Get("a", at.get()), InlineEntry(1, "one"));
  EXPECT_EQ(*index_->Get("a"), InlineEntry(2, "two"));
  EXPECT_EQ(index_->Meta(at.get())->applied, Version(1));
  EXPECT_EQ(index_->Meta()->applied, Version(2));
  EXPECT_EQ(DeferredThrough(9, {}, at.get()).size(), 1u);
  EXPECT_TRUE(DeferredThrough(9).empty());
  std::vector<uint64_t> pages;
  ASSERT_TRUE(index_
                  ->ForEachPage(
                      [&](uint64_t number, const AllocationPage& content) {
                        pages.push_back(number);
                        EXPECT_EQ(content, page);
                        return Status::Ok();
                      },
                      at.get())
                  .ok());
  EXPECT_EQ(pages, std::vector<uint64_t>{0});
}

TEST_F(KeyIndexTest, PageWalkIsOrderedAndStopsOnAnError) {
  const auto batch = index_->NewBatch();
  for (const uint64_t number : {uint64_t{300}, uint64_t{2}, UINT64_MAX, uint64_t{0}}) {
    AllocationPage page;
    page.taken[7] = number;
    batch->PutPage(number, page);
  }
  ASSERT_TRUE(index_->Apply(*batch).ok());
  std::vector<uint64_t> pages;
  const auto collect = [&](uint64_t number, const AllocationPage& content) {
    pages.push_back(number);
    EXPECT_EQ(content.taken[7], number);
    return number == 300 ? Status::Busy("enough") : Status::Ok();
  };
  EXPECT_EQ(index_->ForEachPage(collect).code(), StatusCode::kBusy);
  EXPECT_EQ(pages, (std::vector<uint64_t>{0, 2, 300}));
  EXPECT_EQ(index_->Page(UINT64_MAX)->taken[7], UINT64_MAX);
}

TEST_F(KeyIndexTest, DeferredEntriesAreWalkedByVersionThenSlot) {
  const std::vector<DeferredFree> in_order = {Deferred(50, 2, 1, 3), Deferred(900, 1, 2, 3),
                                              Deferred(10, 5, 1, 4), Deferred(5, 1, 4, UINT64_MAX)};
  const auto batch = index_->NewBatch();
  for (const size_t i : {2, 0, 3, 1}) batch->PutDeferred(in_order[i]);
  ASSERT_TRUE(index_->Apply(*batch).ok());

  EXPECT_EQ(DeferredThrough(UINT64_MAX), in_order);
  EXPECT_TRUE(DeferredThrough(2).empty());
  EXPECT_EQ(DeferredThrough(3), std::vector(in_order.begin(), in_order.begin() + 2));
  EXPECT_EQ(DeferredThrough(UINT64_MAX - 1), std::vector(in_order.begin(), in_order.begin() + 3));
  // Walks one entry at a time. Each walk resumes after the last entry.
  std::vector<DeferredFree> seen;
  for (std::optional<DeferredFree> after;;) {
    const size_t before = seen.size();
    ASSERT_TRUE(index_
                    ->ForEachDeferred(Version(UINT64_MAX), after,
                                      [&](const DeferredFree& entry) {
                                        seen.push_back(entry);
                                        return false;
                                      })
                    .ok());
    if (seen.size() == before) break;
    after = seen.back();
  }
  EXPECT_EQ(seen, in_order);
}

TEST_F(KeyIndexTest, ReadOnlyReadsAndWritesNothing) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  index_.reset();
  const std::vector<std::string> before = Fingerprint(dir_);
  {
    const auto reader = OpenReadOnly(dir_);
    EXPECT_EQ(*reader->Get("a"), InlineEntry(1, "one"));
    EXPECT_EQ(AppliedVersion(*reader), 1u);
    EXPECT_TRUE(reader->NewCursor("", "", reader->TakeReadPoint())->status().ok());
    const auto batch = reader->NewBatch();
    batch->PutEntry("b", InlineEntry(2, "no"));
    EXPECT_EQ(reader->Apply(*batch).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(reader->StartFlush().code(), StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(Fingerprint(dir_), before);
}

// A reader clones the index that another process has open.
TEST_F(KeyIndexTest, ReadOnlyLinksWhatWasFlushedWhenItWasOpened) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  const std::string to = temp_.File("linked");
  ASSERT_TRUE(PosixFs().MakeDir(to).ok());
  {
    const auto reader = OpenReadOnly(dir_);
    Commit(*index_, 2, "a", "two");
    Flush(*index_);
    const auto linked = reader->LinkInto(PosixFs(), to);
    ASSERT_OK(linked);
  }
  EXPECT_EQ(FilesIn(to, ".sst").size(), 1u);
  const auto clone = OpenOrFail({.dir = to});
  EXPECT_EQ(*clone->Get("a"), InlineEntry(1, "one"));
  // What the clone writes does not reach the tables of the other process.
  Commit(*clone, 2, "a", "of the clone");
  Flush(*clone);
  EXPECT_EQ(*index_->Get("a"), InlineEntry(2, "two"));
  EXPECT_TRUE(index_->VerifyChecksums().ok());
}

TEST_F(KeyIndexTest, ReadOnlyDoesNotLinkATableThatIsGone) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  const std::string to = temp_.File("linked");
  ASSERT_TRUE(PosixFs().MakeDir(to).ok());
  const auto reader = OpenReadOnly(dir_);
  for (const std::string& name : FilesIn(dir_, ".sst")) {
    ASSERT_TRUE(PosixFs().Rename(dir_ + "/" + name, temp_.File(name)).ok());
  }
  EXPECT_FALSE(reader->LinkInto(PosixFs(), to).ok());
  for (const std::string& name : FilesIn(temp_.path(), ".sst")) {
    ASSERT_TRUE(PosixFs().Rename(temp_.File(name), dir_ + "/" + name).ok());
  }
}

TEST_F(KeyIndexTest, LogsNothingInNormalOperation) {
  RecordingLogger logger;
  for (int round = 0; round < 3; ++round) {
    index_.reset();
    index_ = OpenOrFail({.dir = dir_, .fs = nullptr, .logger = &logger});
    for (uint64_t version = 1; version <= 6; ++version) {
      Commit(*index_, version, "a", "value");
      Flush(*index_);
    }
  }
  index_.reset();
  EXPECT_EQ(logger.text(), "");
}

TEST_F(KeyIndexTest, ForwardsErrorsOfRocksdbToTheLogger) {
  RecordingLogger logger;
  const auto files = std::make_shared<FailingTableFiles>();
  const std::string dir = temp_.File("complaining");
  const auto index = OpenOrFail({.dir = dir, .create = true, .fs = files, .logger = &logger});
  Commit(*index, 1, "a", "value");
  files->FailSyncs(".sst", FailingTableFiles::Fault::kIoError);
  ASSERT_TRUE(index->StartFlush().ok());
  EXPECT_FALSE(index->WaitFlush().ok());
  EXPECT_NE(logger.text().find("error: "), std::string::npos);
  EXPECT_TRUE(logger.Warned(dir));
}

TEST_F(KeyIndexTest, TwoReadersMayShareADirectory) {
  Commit(*index_, 1, "a", "one");
  Flush(*index_);
  index_.reset();
  const auto one = OpenReadOnly(dir_);
  const auto two = OpenReadOnly(dir_);
  EXPECT_EQ(*one->Get("a"), *two->Get("a"));
}

}  // namespace
}  // namespace rawkv
