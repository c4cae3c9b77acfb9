#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/fs_ops.h"
#include "engine/index/key_index.h"
#include "tests/engine/index/failing_table_files.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

struct stat StatOf(const std::string& path) {
  struct stat st = {};
  EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
  return st;
}

class IndexFiles : public ::testing::Test {
 protected:
  void CommitAndFlush(uint64_t version) {
    Commit(*index_, version, "key" + std::to_string(version % 5), "value " + std::to_string(version));
    Flush(*index_);
  }
  std::vector<LinkedFile> Link(const std::string& to) {
    std::filesystem::create_directory(to);
    Result<std::vector<LinkedFile>> files = index_->LinkInto(PosixFs(), to);
    EXPECT_OK(files);
    return files.ok() ? std::move(*files) : std::vector<LinkedFile>();
  }

  const TempDir temp_;
  const std::string dir_ = temp_.File("index");
  const std::string to_ = temp_.File("snapshot");
  std::unique_ptr<KeyIndex> index_ = CreateIndex(dir_);
};

// RocksDB 7.8, the oldest release that we support, reads tables of this format and of none above it.
TEST_F(IndexFiles, TablesHaveTheOldestSupportedFormat) {
  CommitAndFlush(1);
  uint64_t tables = 0;
  for (const LinkedFile& file : Link(to_)) {
    if (!file.is_sst) continue;
    ++tables;
    const Result<std::string> table = ReadFile(PosixFs(), to_ + "/" + file.name, 1 << 20);
    ASSERT_OK(table);
    // A table ends with the number of its format, four bytes, and a magic number of eight.
    EXPECT_EQ(table->substr(table->size() - 12, 4), std::string("\5\0\0\0", 4));
  }
  EXPECT_EQ(tables, 1u);
}

TEST_F(IndexFiles, TablesAreLinkedAndTheRestIsCopied) {
  CommitAndFlush(1);
  CommitAndFlush(2);
  std::vector<std::string> listed;
  for (const LinkedFile& file : Link(to_)) {
    listed.push_back(file.name);
    const struct stat copy = StatOf(to_ + "/" + file.name);
    EXPECT_EQ(static_cast<uint64_t>(copy.st_size), file.size_bytes) << file.name;
    EXPECT_EQ(file.is_sst, file.name.ends_with(".sst"));
    const struct stat source = StatOf(dir_ + "/" + file.name);
    EXPECT_EQ(copy.st_ino == source.st_ino, file.is_sst) << file.name;
    EXPECT_EQ(copy.st_nlink, file.is_sst ? 2u : 1u) << file.name;
    EXPECT_EQ(copy.st_mode & 0777, 0600u) << file.name;
  }
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(listed, FilesIn(to_, ""));
  EXPECT_EQ(FilesIn(to_, ".sst").size(), 2u);
  EXPECT_TRUE(FilesIn(to_, ".log").empty());
  EXPECT_EQ(AppliedVersion(*OpenReadOnly(to_)), 2u);
}

TEST_F(IndexFiles, AnEmptyIndexCanBeLinked) {
  Link(to_);
  const auto copy = OpenReadOnly(to_);
  EXPECT_EQ(copy->Meta().status().code(), StatusCode::kNotFound);
}

// In RocksDB 7.8, listing live files together with RocksDB's own logs may wait forever for purges that
// closing cursors schedule.
TEST_F(IndexFiles, LinkingDoesNotHangWhileCursorsAreClosed) {
  CommitAndFlush(1);
  index_->AllowCompaction();
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) index_->NewCursor("", "", nullptr)->SeekToFirst();
    });
  }
  for (uint64_t version = 2; version <= 200; ++version) {
    CommitAndFlush(version);
    const std::string to = to_ + std::to_string(version);
    Link(to);
    if (version % 20 == 0) {
      EXPECT_EQ(AppliedVersion(*OpenReadOnly(to)), version);
    }
    std::filesystem::remove_all(to);
  }
  stop = true;
  for (std::thread& thread : readers) thread.join();
}

TEST_F(IndexFiles, ChecksumsMatchTheFiles) {
  CommitAndFlush(1);
  size_t tables = 0;
  for (const LinkedFile& file : Link(to_)) {
    const Result<std::string> crc32c = Crc32cOfFile(PosixFs(), to_ + "/" + file.name);
    ASSERT_OK(crc32c);
    EXPECT_EQ(crc32c->size(), 4u);
    EXPECT_EQ(file.crc32c, file.is_sst ? *crc32c : "") << file.name;
    tables += file.is_sst ? 1 : 0;
  }
  EXPECT_EQ(tables, 1u);
}

TEST_F(IndexFiles, Crc32cMatchesTheStandardTestVector) {
  const std::string path = temp_.File("check");
  ASSERT_TRUE(PosixFs().Open(path, OpenMode::kCreateNew)->get()->WriteAt(0, AsBytes("123456789")).ok());
  EXPECT_EQ(HexOf(*Crc32cOfFile(PosixFs(), path)), "e3069283");
  EXPECT_EQ(Crc32cOfFile(PosixFs(), temp_.File("absent")).status().code(), StatusCode::kNotFound);
}

TEST_F(IndexFiles, LinkedFilesSurviveCompactionInTheSource) {
  index_->AllowCompaction();
  CommitAndFlush(1);
  CommitAndFlush(2);
  const std::vector<LinkedFile> files = Link(to_);
  std::map<std::string, std::string> before;
  for (const LinkedFile& file : files) before[file.name] = FileContent(to_ + "/" + file.name);
  const std::vector<std::string> first_tables = FilesIn(to_, ".sst");

  const auto source_has_first_tables = [&] {
    return std::any_of(first_tables.begin(), first_tables.end(),
                       [&](const std::string& name) { return std::filesystem::exists(dir_ + "/" + name); });
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (uint64_t version = 3; source_has_first_tables(); ++version) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "RocksDB never compacted";
    CommitAndFlush(version);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const LinkedFile& file : files) {
    EXPECT_EQ(FileContent(to_ + "/" + file.name), before[file.name]) << file.name;
    if (file.is_sst) {
      EXPECT_EQ(*Crc32cOfFile(PosixFs(), to_ + "/" + file.name), file.crc32c);
    }
  }
  EXPECT_EQ(AppliedVersion(*OpenReadOnly(to_)), 2u);
}

TEST_F(IndexFiles, LinkingDuringAFlushGivesTheLastFinishedFlush) {
  const auto files = std::make_shared<FailingTableFiles>();
  index_.reset();
  index_ = OpenOrFail({.dir = dir_, .fs = files});
  CommitAndFlush(1);
  Commit(*index_, 2, "a", "two");
  files->HoldNewTables();
  ASSERT_TRUE(index_->StartFlush().ok());
  Link(to_);
  files->Release();
  ASSERT_TRUE(index_->WaitFlush().ok());
  EXPECT_EQ(AppliedVersion(*OpenReadOnly(to_)), 1u);
}

TEST_F(IndexFiles, CloneDoesNotShareLaterChangesWithItsSource) {
  CommitAndFlush(1);
  CommitAndFlush(2);
  index_.reset();
  const std::vector<std::string> source_before = Fingerprint(dir_);
  const std::string clone_dir = temp_.File("clone");
  ASSERT_TRUE(CloneIndex(PosixFs(), dir_, clone_dir).ok());
  EXPECT_EQ(StatOf(clone_dir).st_mode & 0777, 0700u);
  for (const std::string& name : FilesIn(clone_dir, "")) {
    const bool same = StatOf(clone_dir + "/" + name).st_ino == StatOf(dir_ + "/" + name).st_ino;
    EXPECT_EQ(same, name.ends_with(".sst")) << name;
    EXPECT_FALSE(name.ends_with(".log") || name == "LOCK" || name == "IDENTITY") << name;
  }
  {
    const auto clone = OpenOrFail({.dir = clone_dir, .fs = nullptr});
    EXPECT_EQ(AppliedVersion(*clone), 2u);
    for (uint64_t version = 3; version < 12; ++version) {
      Commit(*clone, version, "a", "only in the clone");
      Flush(*clone);
    }
  }
  EXPECT_EQ(Fingerprint(dir_), source_before);
  EXPECT_EQ(AppliedVersion(*OpenReadOnly(dir_)), 2u);
}

TEST_F(IndexFiles, ACloneOfASnapshotKeepsItsChecksums) {
  CommitAndFlush(1);
  const std::vector<LinkedFile> first = Link(to_);
  const std::string clone_dir = temp_.File("clone");
  ASSERT_TRUE(CloneIndex(PosixFs(), to_, clone_dir).ok());
  index_.reset();
  index_ = OpenOrFail({.dir = clone_dir, .fs = nullptr});
  const std::vector<LinkedFile> second = Link(temp_.File("second"));
  const auto table = [](const std::vector<LinkedFile>& files) {
    return *std::find_if(files.begin(), files.end(), [](const LinkedFile& file) { return file.is_sst; });
  };
  EXPECT_EQ(table(first).name, table(second).name);
  EXPECT_EQ(table(first).crc32c, table(second).crc32c);
}

TEST_F(IndexFiles, CloningRefusesAnInvalidSourceOrAnExistingTarget) {
  index_.reset();
  EXPECT_EQ(CloneIndex(PosixFs(), temp_.path(), temp_.File("clone")).code(), StatusCode::kCorruption);
  EXPECT_EQ(CloneIndex(PosixFs(), temp_.File("absent"), temp_.File("clone")).code(), StatusCode::kCorruption);
  EXPECT_FALSE(std::filesystem::exists(temp_.File("clone")));
  std::filesystem::create_directory(to_);
  EXPECT_EQ(CloneIndex(PosixFs(), dir_, to_).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(FilesIn(to_, "").empty());
}

// Expects that every new file is synced after its last write. Links need no sync.
void ExpectAllSynced(const std::vector<FaultFs::Operation>& trace) {
  for (size_t i = 0; i < trace.size(); ++i) {
    if (!trace[i].Is("create") && !trace[i].Is("write")) continue;
    EXPECT_TRUE(std::any_of(trace.begin() + static_cast<std::ptrdiff_t>(i), trace.end(),
                            [&](const FaultFs::Operation& later) { return later.Is("sync", trace[i].path); }))
        << trace[i].name << " " << trace[i].path;
  }
}

TEST_F(IndexFiles, CopiesAreSynced) {
  CommitAndFlush(1);
  FaultFs fs(PosixFs());
  std::filesystem::create_directory(to_);
  ASSERT_TRUE(index_->LinkInto(fs, to_).ok());
  const std::vector<FaultFs::Operation> trace = fs.trace();
  ExpectAllSynced(trace);
  EXPECT_TRUE(std::none_of(trace.begin(), trace.end(), [](const auto& op) { return op.Is("syncdir"); }));
  fs.ClearTrace();
  ASSERT_TRUE(CloneIndex(fs, to_, temp_.File("clone")).ok());
  ExpectAllSynced(fs.trace());
  EXPECT_TRUE(fs.trace().back().Is("syncdir", "clone"));
}

TEST_F(IndexFiles, LinksAreNeverReplacedByCopies) {
  CommitAndFlush(1);
  FaultFs fs(PosixFs());
  std::filesystem::create_directory(to_);
  fs.Arm({.status = Status::NotSupported("no links here"),
          .reach = FaultFs::Reach::kMatching,
          .matches = [](const FaultFs::Operation& op) { return op.Is("link"); }});
  EXPECT_EQ(index_->LinkInto(fs, to_).status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(CloneIndex(fs, dir_, temp_.File("clone")).code(), StatusCode::kNotSupported);
}

TEST_F(IndexFiles, TableAtTheLimitOfLinksIsCopied) {
  CommitAndFlush(1);
  FaultFs fs(PosixFs());
  std::filesystem::create_directory(to_);
  fs.Arm({.status = Status::FailedPrecondition("Too many links"),
          .reach = FaultFs::Reach::kMatching,
          .matches = [](const FaultFs::Operation& op) { return op.Is("link"); }});
  ASSERT_TRUE(index_->LinkInto(fs, to_).ok());
  ASSERT_TRUE(CloneIndex(fs, to_, temp_.File("clone")).ok());
  EXPECT_TRUE(fs.fired());
  ExpectAllSynced(fs.trace());
  index_ = OpenOrFail({.dir = temp_.File("clone")});
  EXPECT_EQ(AppliedVersion(*index_), 1u);
}

TEST_F(IndexFiles, EveryFailureIsReturned) {
  CommitAndFlush(1);
  CommitAndFlush(2);
  const auto run = [&](FaultFs& fs, int round) {
    const std::string to = temp_.File("to-" + std::to_string(round));
    std::filesystem::create_directory(to);
    const Status linked = index_->LinkInto(fs, to).status();
    return linked.ok() ? CloneIndex(fs, to, temp_.File("clone-" + std::to_string(round))) : linked;
  };
  FaultFs healthy(PosixFs());
  ASSERT_TRUE(run(healthy, 0).ok());
  for (uint64_t step = 0; step < healthy.operations(); ++step) {
    FaultFs fs(PosixFs());
    fs.Arm(
        {.skip = step, .status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kOnce, .matches = {}});
    EXPECT_EQ(run(fs, static_cast<int>(step) + 1).code(), StatusCode::kNoSpace) << "step " << step;
  }
}

TEST_F(IndexFiles, CloningRefusesATableThatIsALink) {
  CommitAndFlush(1);
  index_.reset();
  std::filesystem::create_symlink("/etc/passwd", dir_ + "/999999.sst");
  EXPECT_EQ(CloneIndex(PosixFs(), dir_, temp_.File("clone")).code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
