// Automatic snapshots: at exact heights, by log bytes, and with the content of exactly their version.

#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

#include "tests/engine/engine_fixture.h"
#include "tests/support/fs_seam.h"

namespace rawkv {
namespace {

// Stops the build of the first snapshot after Arm when it gives the snapshot its name.
class StoppingFs final : public FsSeam {
 public:
  StoppingFs() : FsSeam(PosixFs()) {}
  void Arm() { armed_ = true; }
  void AwaitArrival() { arrived_.get_future().wait(); }
  void Release() { released_.set_value(); }

 private:
  Status Before(const FsOperation& operation, bool*) override {
    const bool names = operation.name == "rename" && operation.from.ends_with("snapshot-staging.tmp");
    if (names && armed_.exchange(false)) {
      arrived_.set_value();
      released_.get_future().wait();
    }
    return Status::Ok();
  }

  std::atomic<bool> armed_{false};
  std::promise<void> arrived_, released_;
};

class AutomaticSnapshotTest : public EngineTest {
 protected:
  AutomaticSnapshotTest() {
    format_.runtime = {.snapshot_interval = 100,
                       .keep_recent = 1000,
                       .wal_segment_bytes = 64 * kKiB,
                       .durability = Durability::kUnsafeUnsynced};
  }
  // Each commit adds one key, and replaces the value of another one.
  CommitResult CommitOne() {
    WriteBatch batch;
    batch.Put("key " + std::to_string(next_key_++), "");
    batch.Put("replaced", OneSlot(next_key_));
    return engine_->Commit(batch);
  }
  void CommitThrough(uint64_t version) {
    while (engine_->version() < Version(version)) ASSERT_OK(CommitOne());
  }
  // A version has as many "key …" as its number, whatever the order of the commits in a group.
  void ExpectContent(Version version) {
    const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
    ASSERT_OK(view);
    const Result<std::unique_ptr<Iterator>> at =
        engine_->NewIterator({.view = *view, .lower = "", .upper = "", .prefix = "key "});
    ASSERT_OK(at);
    uint64_t keys = 0;
    for ((*at)->SeekToFirst(); (*at)->Valid(); (*at)->Next()) ++keys;
    EXPECT_OK((*at)->status());
    EXPECT_EQ(keys, version.value());
  }
  void ExpectSnapshots(const std::vector<uint64_t>& versions) {
    std::vector<Version> expected;
    for (const uint64_t v : versions) expected.push_back(Version(v));
    EXPECT_EQ(Snapshots(), expected);
    for (const Version v : expected) ExpectContent(v);
  }

  StoppingFs fs_;

 private:
  std::atomic<uint64_t> next_key_{0};
};

TEST_F(AutomaticSnapshotTest, HeightsAreMultiplesOfTheInterval) {
  FormatAndOpen();
  for (const uint64_t version : {99, 100, 101, 250, 301}) {
    CommitThrough(version);
    Reopen();  // the close finishes what is due
  }
  ExpectSnapshots({0, 100, 200, 300});
}

TEST_F(AutomaticSnapshotTest, GroupsOfManyCommitsEndAtAHeight) {
  FormatAndOpen();
  std::vector<uint64_t> expected = {0};
  for (uint64_t height = 100; height <= 500; height += 100) {
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 8; ++writer) {
      writers.emplace_back([&] {
        while (engine_->version() < Version(height + 30)) EXPECT_OK(CommitOne());
      });
    }
    for (std::thread& writer : writers) writer.join();
    Reopen();
    expected.push_back(height);
  }
  ExpectSnapshots(expected);
}

TEST_F(AutomaticSnapshotTest, HeightsStayExactAfterARollback) {
  FormatAndOpen();
  CommitThrough(250);
  Reopen();
  ASSERT_OK(engine_->Rollback(Version(130)));
  EXPECT_EQ(Snapshots(), (std::vector{Version(0), Version(100)}));
  for (const uint64_t version : {210, 299, 300}) {
    while (engine_->version() < Version(version)) EmptyCommit();
    Reopen();
  }
  EXPECT_EQ(Snapshots(), (std::vector{Version(0), Version(100), Version(200), Version(300)}));
}

TEST_F(AutomaticSnapshotTest, HeightOfAKilledProcessIsMadeByTheNextOne) {
  open_.env.fs = &fs_;
  FormatAndOpen();
  CommitThrough(99);
  fs_.Arm();
  CommitThrough(105);
  fs_.AwaitArrival();
  ASSERT_OK(engine_->Sync());
  const std::string whole = dir_;
  const std::string killed = dir_ + ".copy";
  ASSERT_EQ(std::system(("cp -a --sparse=always '" + whole + "' '" + killed + "'").c_str()), 0);
  fs_.Release();
  Close();
  dir_ = killed;
  Open();
  EXPECT_EQ(Snapshots(), std::vector{Version(0)});
  CommitThrough(106);
  Reopen();
  ExpectSnapshots({0, 100});
}

TEST_F(AutomaticSnapshotTest, SnapshotThatTakesLongerThanTheIntervalSkipsHeights) {
  open_.env.fs = &fs_;
  FormatAndOpen();
  CommitThrough(199);
  Reopen();
  fs_.Arm();
  CommitThrough(200);
  fs_.AwaitArrival();
  CommitThrough(450);  // 300 and 400 pass while 200 is built
  fs_.Release();
  Reopen();
  ExpectSnapshots({0, 100, 200, 400});
}

TEST_F(AutomaticSnapshotTest, HeightWithoutUndoRecordsIsReplayed) {
  open_.env.fs = &fs_;
  open_.settings.undo_versions = 0;
  FormatAndOpen();
  CommitThrough(99);
  fs_.Arm();
  CommitThrough(100);
  fs_.AwaitArrival();
  CommitThrough(230);
  fs_.Release();
  Reopen();
  ExpectSnapshots({0, 100, 200});
}

TEST_F(AutomaticSnapshotTest, LogBytesMakeASnapshotOfTheTip) {
  format_.runtime.snapshot_interval = 1'000'000;
  format_.runtime.snapshot_log_bytes = 256 * kKiB;
  FormatAndOpen();
  for (int session = 0; session < 20; ++session) {
    for (int i = 0; i < 100; ++i) {
      WriteBatch batch;
      batch.Put("k", std::string(1000, 'x'));
      ASSERT_OK(engine_->Commit(batch));
    }
    Reopen();  // bytes of earlier sessions count
  }
  // 2,000 commits of a kilobyte.
  const size_t made = Snapshots().size() - 1;
  EXPECT_GE(made, 6u);
  EXPECT_LE(made, 12u);
  ASSERT_OK(engine_->ChangeSettings({.snapshot_log_bytes = 0}));
  for (int i = 0; i < 1000; ++i) {
    WriteBatch batch;
    batch.Put("k", std::string(1000, 'x'));
    ASSERT_OK(engine_->Commit(batch));
  }
  Reopen();
  EXPECT_EQ(Snapshots().size() - 1, made);
}

// The history reaches as far as the interval and keep_recent say, and its versions are near to a snapshot.
TEST_F(AutomaticSnapshotTest, LogBytesDoNotShortenTheHistory) {
  format_.runtime.keep_recent = 1;
  format_.runtime.snapshot_log_bytes = 64 * kKiB;
  FormatAndOpen();
  const auto commit_through = [&](uint64_t version) {
    while (engine_->version() < Version(version)) {
      WriteBatch batch;
      batch.Put("k", std::string(1000, 'x'));
      ASSERT_OK(engine_->Commit(batch));
    }
    Reopen();  // what retention counts is known to the next process, too
  };
  for (uint64_t version = 0; version <= 460; version += 20) commit_through(version);
  const auto made = [&](uint64_t from, uint64_t to) {
    const std::vector<Version> all = Snapshots();
    return std::count_if(all.begin(), all.end(),
                         [&](Version v) { return v >= Version(from) && v <= Version(to); });
  };
  EXPECT_EQ(Info().reachable.back().first, Version(300));
  EXPECT_EQ(made(0, 299), 0);
  EXPECT_GE(made(301, 399), 1);
  EXPECT_GE(made(401, 460), 1);
  commit_through(520);
  EXPECT_EQ(Info().reachable.back().first, Version(400));
  EXPECT_EQ(made(0, 399), 0);
  EXPECT_GE(made(401, 499), 1);
  // A number that is named counts every snapshot.
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Snapshots().size(), 1u);
}

// Otherwise a store with few slots would keep the history until a commit finds no slot.
TEST_F(AutomaticSnapshotTest, LogBytesDoNotDelayTheSnapshotsOfAStoreWithFewSlots) {
  format_.runtime.snapshot_interval = 1600;
  format_.runtime.keep_recent = 0;
  format_.runtime.snapshot_log_bytes = 1;
  format_.capacity_bytes = 2 * kMiB;
  FormatAndOpen();
  for (int i = 0; i < 1500; ++i) {
    ASSERT_OK(CommitOne());
    if (i % 50 == 49) Reopen();  // the close finishes what is due
  }
  EXPECT_FALSE(Info().given_up);
}

}  // namespace
}  // namespace rawkv
