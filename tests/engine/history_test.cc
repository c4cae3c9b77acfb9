// The history of a store: its versions with their times and changes, and the version of a moment.

#include <filesystem>
#include <functional>
#include <utility>

#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/flip_byte.h"
#include "tests/support/standing_clock.h"

namespace rawkv {
namespace {

class HistoryTest : public EngineTest {
 protected:
  HistoryTest() {
    clock_.now_unix_ms = 1'000'000;
    format_.runtime.wal_segment_bytes = 64 * kKiB;
    format_.inline_bytes = 16 * kKiB;  // so that the log holds the values
    format_.env.clock = &clock_;
    open_.env.clock = &clock_;
  }
  void TearDown() override {
    EngineTest::TearDown();
    open_.env.clock = &SystemClock();
  }

  // Commits at second `second` of the clock: puts `key` with `bytes` bytes.
  void PutAt(uint64_t second, const std::string& key, uint64_t bytes = 10, const std::string& metadata = "") {
    clock_.now_unix_ms = second * 1000;
    WriteBatch batch;
    const std::string value(bytes, 'v');
    batch.Put(key, value);
    if (!metadata.empty()) batch.SetMetadata(metadata);
    ASSERT_OK(engine_->Commit(batch));
  }
  std::vector<HistoryEntry> Read(const HistoryOptions& options = {}) {
    std::vector<HistoryEntry> entries;
    EXPECT_OK(engine_->ReadHistory(options, [&](const HistoryEntry& entry) {
      entries.push_back(entry);
      return Status::Ok();
    }));
    return entries;
  }
  std::vector<uint64_t> Versions(const HistoryOptions& options = {}) {
    std::vector<uint64_t> versions;
    for (const HistoryEntry& entry : Read(options)) versions.push_back(entry.commit.version.value());
    return versions;
  }

  StandingClock clock_;
};

TEST_F(HistoryTest, ReportsWhatEachVersionChanged) {
  FormatAndOpen();
  PutAt(5, "a", 100, "first");
  WriteBatch batch;
  batch.Put("b", "22");
  batch.Delete("a");
  batch.DeletePrefix("x");
  clock_.now_unix_ms = 7'250;
  ASSERT_OK(engine_->Commit(batch));
  const std::vector<HistoryEntry> entries = Read({.changes = true});
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].commit.version, Version(2));
  EXPECT_EQ(entries[0].commit.time_unix_ms, 7'250u);
  EXPECT_TRUE(entries[0].changes_known);
  EXPECT_EQ(entries[0].puts, 1u);
  EXPECT_EQ(entries[0].deletes, 2u);
  EXPECT_EQ(entries[0].value_bytes, 2u);
  ASSERT_EQ(entries[0].changes.size(), 3u);
  EXPECT_EQ(entries[0].changes[0].kind, KeyChange::Kind::kPut);
  EXPECT_EQ(entries[0].changes[0].key, "b");
  EXPECT_EQ(entries[0].changes[0].value_bytes, 2u);
  EXPECT_EQ(entries[0].changes[1].kind, KeyChange::Kind::kDelete);
  EXPECT_EQ(entries[0].changes[1].key, "a");
  EXPECT_EQ(entries[0].changes[2].kind, KeyChange::Kind::kDeleteRange);
  EXPECT_EQ(entries[0].changes[2].key, "x");
  EXPECT_EQ(entries[0].changes[2].end_key, "y");
  EXPECT_EQ(entries[1].commit.metadata, "first");
  EXPECT_EQ(entries[1].value_bytes, 100u);
  // The empty state has no record in the log; its snapshot keeps it.
  EXPECT_EQ(entries[2].commit.version, Version(0));
  EXPECT_FALSE(entries[2].changes_known);
}

TEST_F(HistoryTest, GoesBackThroughAllSegments) {
  FormatAndOpen();
  std::vector<uint64_t> all;
  for (uint64_t v = 1; v <= 60; ++v) PutAt(v, "k", 8000);
  ASSERT_GT(ListLog(dir_, open_)->size(), 5u);
  for (uint64_t v = 61; v-- > 0;) all.push_back(v);
  EXPECT_EQ(Versions(), all);
  EXPECT_EQ(Versions({.limit = 61}), all);
  EXPECT_EQ(Versions({.limit = 3}), (std::vector<uint64_t>{60, 59, 58}));
  EXPECT_EQ(Versions({.from = Version(20), .to = Version(22)}), (std::vector<uint64_t>{22, 21, 20}));
  EXPECT_EQ(Versions({.to = Version(1'000'000), .limit = 1}), (std::vector<uint64_t>{60}));
  EXPECT_EQ(Versions({.from = Version(61)}), std::vector<uint64_t>());
  const std::vector<uint64_t> page_of_limit = Versions({.to = Version(40), .limit = 20});
  EXPECT_EQ(page_of_limit, std::vector<uint64_t>(all.begin() + 20, all.begin() + 40));
}

TEST_F(HistoryTest, BoundsSelectTheVersionsThatTouchThem) {
  FormatAndOpen();
  for (uint64_t v = 1; v <= 40; ++v) PutAt(v, v % 10 == 0 ? "rare" + std::to_string(v) : "often", 8000);
  WriteBatch range;
  range.DeleteRange("q", "rare1");
  ASSERT_OK(engine_->Commit(range));  // version 41 ends before every "rare" key but not before the prefix
  EXPECT_EQ(Versions({.prefix = "rare"}), (std::vector<uint64_t>{41, 40, 30, 20, 10}));
  EXPECT_EQ(Versions({.prefix = "rare", .limit = 2}), (std::vector<uint64_t>{41, 40}));
  EXPECT_EQ(Versions({.lower = "rare20", .upper = std::string("rare20\0", 7)}), (std::vector<uint64_t>{20}));
  EXPECT_EQ(Versions({.lower = "s"}), std::vector<uint64_t>());
  EXPECT_EQ(Versions({.lower = "b", .upper = "a"}), std::vector<uint64_t>());
  const std::vector<HistoryEntry> entries = Read({.prefix = "rare", .limit = 1, .changes = true});
  ASSERT_EQ(entries.size(), 1u);
  ASSERT_EQ(entries[0].changes.size(), 1u);
  EXPECT_EQ(entries[0].changes[0].end_key, "rare1");
}

// The index knows the version that wrote the value of a key, so that the log after it is not read.
TEST_F(HistoryTest, LastChangeOfAKeyIsFoundWithoutReadingTheLogAfterIt) {
  FormatAndOpen();
  PutAt(1, "rare", 8000);
  for (uint64_t v = 2; v <= 3; ++v) PutAt(v, "often", 8000);
  PutAt(4, "rare", 8000);
  for (uint64_t v = 5; v <= 60; ++v) PutAt(v, "often", 8000);
  const std::string next("rare\0", 5);
  const std::vector<uint64_t> both = Versions({.lower = "rare", .upper = next});
  EXPECT_EQ(both, (std::vector<uint64_t>{4, 1}));
  const Result<std::vector<LogSegmentRow>> segments = ListLog(dir_, open_);
  ASSERT_OK(segments);
  ASSERT_GT(segments->size(), 3u);
  ASSERT_GT(segments->at(1).first, Version(4));
  for (const auto& file : std::filesystem::directory_iterator(Path("wal"))) {
    if (file.path().filename().string() > segments->at(0).segment) FlipByte(file.path(), 20'000);
  }
  whole_at_the_end_ = false;
  EXPECT_STATUS(engine_->ReadHistory({.prefix = "often"}, [](const HistoryEntry&) { return Status::Ok(); }),
                StatusCode::kCorruption);
  EXPECT_EQ(Versions({.lower = "rare", .upper = next, .limit = 1}), (std::vector<uint64_t>{4}));
  EXPECT_EQ(Versions({.lower = "rare", .upper = next}), both);
  EXPECT_EQ(Versions({.to = Version(3), .lower = "rare", .upper = next}), (std::vector<uint64_t>{1}));
}

TEST_F(HistoryTest, LastChangeOfAKeyIsTheRightOneAfterEachKindOfChange) {
  FormatAndOpen();
  const auto commit = [&](const std::function<void(WriteBatch&)>& fill) {
    WriteBatch batch;
    fill(batch);
    ASSERT_OK(engine_->Commit(batch));
  };
  const std::string next("k\0", 2);
  const auto last = [&] { return Versions({.lower = "k", .upper = next, .limit = 1}); };
  PutAt(1, "k");
  EXPECT_EQ(last(), (std::vector<uint64_t>{1}));
  commit([](WriteBatch& b) { b.Delete("k"); });
  EXPECT_EQ(last(), (std::vector<uint64_t>{2})) << "a key that is gone has no entry in the index";
  PutAt(3, "k");
  PutAt(4, "other");
  EXPECT_EQ(last(), (std::vector<uint64_t>{3}));
  commit([](WriteBatch& b) { b.DeleteRange("a", "z"); });
  EXPECT_EQ(last(), (std::vector<uint64_t>{5}));
  commit([](WriteBatch& b) {
    b.Put("k", "1");
    b.DeletePrefix("k");
    b.Put("k", "2");
  });
  PutAt(7, "other");
  EXPECT_EQ(last(), (std::vector<uint64_t>{6}));
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_EQ(last(), (std::vector<uint64_t>{3}));
  EXPECT_EQ(Versions({.lower = "k", .upper = next}), (std::vector<uint64_t>{3, 2, 1}));
}

TEST_F(HistoryTest, LeavesOutWhatIsNoLongerKept) {
  format_.runtime.keep_recent = 0;
  FormatAndOpen();
  for (uint64_t v = 1; v <= 20; ++v) PutAt(v, "k", 8000);
  ASSERT_OK(engine_->Pin("held"));
  for (uint64_t v = 21; v <= 40; ++v) PutAt(v, "k", 8000);
  ASSERT_OK(engine_->CreateSnapshot());
  PutAt(41, "k");
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{41, 40, 20}));
  EXPECT_FALSE(Read().back().changes_known);
  EXPECT_EQ(Read().back().commit.time_unix_ms, 20'000u);
  EXPECT_EQ(Versions({.prefix = "k"}).back(), 40u) << "it is not known whether version 20 changed k";
  EXPECT_EQ(*engine_->FindVersionAt(30'000), Version(20));
  EXPECT_STATUS(engine_->FindVersionAt(19'999), StatusCode::kVersionUnreachable, "version 20");
}

TEST_F(HistoryTest, FindsTheVersionOfAMoment) {
  FormatAndOpen();
  for (uint64_t v = 1; v <= 60; ++v) PutAt(1000 + 10 * v, "k", 8000);
  for (uint64_t v = 1; v <= 60; ++v) {
    EXPECT_EQ(*engine_->FindVersionAt((1000 + 10 * v) * 1000), Version(v));
    EXPECT_EQ(*engine_->FindVersionAt((1000 + 10 * v) * 1000 + 9'999), Version(v));
  }
  EXPECT_EQ(*engine_->FindVersionAt(UINT64_MAX), Version(60));
  EXPECT_EQ(*engine_->FindVersionAt(1'009'999), Version(0)) << "the empty state was made at second 1000";
  EXPECT_STATUS(engine_->FindVersionAt(999'999), StatusCode::kVersionUnreachable, "version 0");
}

TEST_F(HistoryTest, StopsAtTheErrorOfTheCaller) {
  FormatAndOpen();
  for (uint64_t v = 1; v <= 3; ++v) PutAt(v, "k");
  int calls = 0;
  EXPECT_STATUS(engine_->ReadHistory({},
                                     [&](const HistoryEntry&) {
                                       ++calls;
                                       // A callback may call the engine.
                                       EXPECT_OK(engine_->GetCommit(Version(1)));
                                       return Status::IoError("enough");
                                     }),
                StatusCode::kIoError, "enough");
  EXPECT_EQ(calls, 1);
}

TEST_F(HistoryTest, IsTheSameAfterARollback) {
  FormatAndOpen();
  for (uint64_t v = 1; v <= 10; ++v) PutAt(v, "k", 8000);
  ASSERT_OK(engine_->Rollback(Version(4)));
  PutAt(20, "other");
  EXPECT_EQ(Versions(), (std::vector<uint64_t>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(*engine_->FindVersionAt(9'000), Version(4));
  EXPECT_EQ(*engine_->FindVersionAt(20'000), Version(5));
  Reopen();
  EXPECT_EQ(Versions({.prefix = "k"}), (std::vector<uint64_t>{4, 3, 2, 1}));
}

TEST_F(HistoryTest, AReaderAlongsideTheWriterHasItToo) {
  FormatAndOpen();
  for (uint64_t v = 1; v <= 20; ++v) PutAt(v, "k", 8000);
  OpenOptions reading = open_;
  reading.read_only = true;
  Result<std::unique_ptr<Engine>> reader = Engine::Open(dir_, reading);
  ASSERT_OK(reader);
  std::swap(engine_, *reader);
  EXPECT_EQ(Versions({.from = Version(10)}),
            (std::vector<uint64_t>{20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10}));
  EXPECT_EQ(*engine_->FindVersionAt(12'500), Version(12));
  std::swap(engine_, *reader);
  ASSERT_OK((*reader)->Close());
}

}  // namespace
}  // namespace rawkv
