#include "wal/wal.h"

#include <filesystem>

#include "tests/support/fault_fs.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

TEST(CreateLog, MakesAnEmptyLogAfterTheInitialVersion) {
  LogFixture log(Version(7));
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(8)));
  const Result<LogScan> scan = log.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kClean);
  EXPECT_EQ(scan->first, Version(8));
  EXPECT_EQ(scan->last, Version(7));
  EXPECT_EQ(scan->durable_through, Version(7));
  EXPECT_EQ(scan->segment, log.SegmentPath(Version(8)));
  EXPECT_EQ(scan->end_offset, kSegmentHeaderBytes);
}

TEST(CreateLog, RefusesADirectoryThatHoldsALog) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  EXPECT_EQ(CreateLog(log.Context(), kSmallLog, Version(1)).code(), StatusCode::kFailedPrecondition);
}

TEST(CreateLog, RefusesOptionsOutOfRange) {
  LogFixture log;
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{60 * 1024}, uint64_t{64 * 1024 + 1}, uint64_t{2} << 30}) {
    EXPECT_EQ(CreateLog(log.Context(), {.segment_bytes = bytes}, Version(1)).code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(CreateLog, RefusesAVersionThatTheBranchCannotWrite) {
  LogFixture log(Version(7));
  EXPECT_EQ(CreateLog(log.Context(), kSmallLog, Version(3)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CreateLog(log.Context(), kSmallLog, Version(~uint64_t{0})).code(), StatusCode::kInvalidArgument);
}

TEST(ScanLog, MissingLogIsCorruption) {
  LogFixture log;
  EXPECT_EQ(log.Scan().status().code(), StatusCode::kCorruption);
  std::filesystem::remove(log.dir());
  EXPECT_EQ(log.Scan().status().code(), StatusCode::kCorruption) << "without its directory, too";
}

TEST(ScanLog, LogOfAnotherStoreIsCorruption) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  WalContext other = log.Context();
  other.store_uuid.bytes[3] = std::byte{99};
  EXPECT_EQ(ScanLog(other, Version(0), Version(0)).status().code(), StatusCode::kCorruption);
}

TEST(ScanLog, RenamedSegmentIsCorruption) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  ASSERT_OK(PosixFs().Rename(log.SegmentPath(Version(1)), log.SegmentPath(Version(2))));
  EXPECT_EQ(log.Scan().status().code(), StatusCode::kCorruption);
}

TEST(ScanLog, IgnoresOtherFiles) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  LogImage image = log.Save();
  image["README"] = "mine";
  image["00000000000000000009.log.tmp"] = "half made";
  log.Restore(image);
  ASSERT_OK(log.Scan().status());
  EXPECT_EQ(log.Save(), image);
}

TEST(Wal, OpenRemovesOnlyTemporarySegments) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  LogImage image = log.Save();
  const LogImage clean = image;
  image["00000000000000000009.log.tmp"] = "half made";
  log.Restore(image);
  ASSERT_OK(log.Open().status());
  EXPECT_EQ(log.Save(), clean);
}

// Random groups over many segments, reopened at random, must read back as they were written.
TEST(Wal, ReadsBackWhatWasAppended) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    LogFixture log(Version(100));
    ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(101)));
    Result<std::unique_ptr<Wal>> wal = log.Open();
    ASSERT_OK(wal.status());
    std::vector<TestRecord> written;
    Version durable(100);
    Version claimed(100);
    for (int round = 0; round < 60; ++round) {
      std::vector<TestRecord> group;
      for (uint64_t i = 0, n = 1 + below(5); i < n; ++i) {
        const Version version(101 + written.size() + i);
        group.push_back(MakeRecord(version, kFirstBranch, below(4) == 0 ? below(9000) : below(200)));
      }
      ASSERT_OK(AppendGroup(**wal, group, durable));
      claimed = durable;
      written.insert(written.end(), group.begin(), group.end());
      EXPECT_EQ((*wal)->last(), written.back().version);
      if (below(2) == 0) {
        ASSERT_OK((*wal)->Sync());
        durable = (*wal)->last();
      }
      if (below(5) == 0) {
        ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, durable));
        claimed = durable;
      }
      if (below(10) == 0) {
        wal = log.Open();
        ASSERT_OK(wal.status());
      }
    }
    EXPECT_GT(log.SegmentVersions().size(), 3u);
    const Result<LogScan> scan = log.Scan();
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->last, written.back().version);
    EXPECT_EQ(scan->durable_through, claimed);
    const auto all = log.Read(Version(101), scan->last);
    ASSERT_OK(all.status());
    EXPECT_EQ(*all, written);
    for (int i = 0; i < 20; ++i) {
      const uint64_t from = below(written.size());
      const uint64_t to = from + below(written.size() - from);
      const auto part = log.Read(Version(101 + from), Version(101 + to));
      ASSERT_OK(part.status());
      EXPECT_TRUE(std::equal(part->begin(), part->end(), written.begin() + from, written.begin() + to + 1));
      const auto tail = ScanLog(log.Context(), Version(101 + from), Version(0));
      ASSERT_OK(tail.status());
      EXPECT_EQ(tail->last, scan->last);
      EXPECT_EQ(tail->first, Version(101));
    }
  }
}

TEST(Wal, RecordLargerThanTheReadersWindowRoundTrips) {
  const WalOptions options{.segment_bytes = 8 << 20, .fill_step_bytes = 1 << 20};
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), options, Version(1)));
  const auto wal = log.Open(PosixFs(), options);
  ASSERT_OK(wal.status());
  const std::vector<TestRecord> records = {
      MakeRecord(Version(1), kFirstBranch, 10), MakeRecord(Version(2), kFirstBranch, 3 << 20),
      MakeRecord(Version(3), kFirstBranch, 0), MakeRecord(Version(4), kFirstBranch, 300'000)};
  ASSERT_OK(AppendGroup(**wal, records, Version(0)));
  const auto read = log.Read(Version(1), Version(4));
  ASSERT_OK(read.status());
  EXPECT_EQ(*read, records);
}

TEST(Wal, GroupNeverSpansSegments) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  const auto wal = log.Open();
  ASSERT_OK(wal.status());
  ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(1), kFirstBranch, 40'000)}, Version(0)));
  ASSERT_OK(AppendGroup(
      **wal, {MakeRecord(Version(2), kFirstBranch, 15'000), MakeRecord(Version(3), kFirstBranch, 15'000)},
      Version(0)));
  EXPECT_EQ(log.SegmentVersions(), (std::vector<Version>{Version(1), Version(2)}));
}

TEST(Wal, LargestGroupFitsAndALargerOneIsRefused) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  const auto wal = log.Open();
  ASSERT_OK(wal.status());
  const uint64_t most = (*wal)->max_group_bytes();
  EXPECT_EQ(most, kSmallLog.segment_bytes - kSegmentHeaderBytes - Wal::kWatermarkBytes);
  EXPECT_EQ((*wal)->PrepareSpace(most + 1).code(), StatusCode::kInvalidArgument);
  for (uint64_t v = 1; v <= 3; ++v) {
    ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(v), kFirstBranch, most - 88)}, Version(v - 1)));
    ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, Version(v)));  // its room was kept
  }
  EXPECT_EQ(log.SegmentVersions().size(), 3u);
  EXPECT_EQ(log.Scan()->last, Version(3));
  EXPECT_EQ(log.Scan()->durable_through, Version(3));
  EXPECT_EQ((*wal)->total_bytes(), 3 * kSmallLog.segment_bytes);
}

TEST(Wal, SegmentIsSyncedBeforeItsSuccessorExistsAndNamedBeforeItsFirstRecord) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  FaultFs fs(PosixFs());
  const auto wal = log.Open(fs);
  ASSERT_OK(wal.status());
  ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(1), kFirstBranch, 40'000)}, Version(0)));
  fs.ClearTrace();
  ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(2), kFirstBranch, 40'000)}, Version(0)));
  std::vector<std::string> steps;
  for (const FaultFs::Operation& op : fs.trace()) {
    steps.push_back(op.name + op.path.substr(log.dir().size()));
  }
  const std::string a = "/" + SegmentName(Version(1)), b = "/" + SegmentName(Version(2)), tmp = b + ".tmp";
  EXPECT_EQ(steps,
            (std::vector<std::string>{"sync" + a, "unlink" + tmp, "create" + tmp, "write" + tmp,
                                      "zerofill" + tmp, "sync" + tmp, "rename" + b, "syncdir", "write" + b}));
}

// Invariant 9: an earlier process may have been killed before it synced what it wrote.
TEST(Wal, OpenMakesTheAdoptedTailAndItsNameDurable) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  FaultFs fs(PosixFs());
  ASSERT_OK(log.Open(fs).status());
  bool synced = false, named = false;
  for (const FaultFs::Operation& op : fs.trace()) {
    synced = synced || op.Is("sync", SegmentName(Version(1)));
    named = named || op.Is("syncdir", log.dir());
  }
  EXPECT_TRUE(synced);
  EXPECT_TRUE(named);
}

TEST(Wal, IdleOpensAndClosesDoNotGrowTheLog) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  {
    const auto wal = log.Open();
    ASSERT_OK(wal.status());
    ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(1), kFirstBranch, 100)}, Version(0)));
    ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, Version(1)));
  }
  const LogImage image = log.Save();
  for (int i = 0; i < 3; ++i) {
    const auto wal = log.Open();
    ASSERT_OK(wal.status());
    ASSERT_OK((*wal)->PrepareSpace(Wal::kWatermarkBytes));
    ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, Version(1)));
  }
  EXPECT_EQ(log.Save(), image);
}

TEST(Wal, SegmentFullOfWatermarksIsReplacedByAFreshOne) {
  LogFixture log(Version(1000));
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1001)));
  const auto wal = log.Open();
  ASSERT_OK(wal.status());
  std::vector<TestRecord> records;
  for (uint64_t v = 1001; v <= 1600; ++v) records.push_back(MakeRecord(Version(v), kFirstBranch, 8));
  ASSERT_OK(
      AppendGroup(**wal, std::vector<TestRecord>(records.begin(), records.begin() + 470), Version(1000)));
  ASSERT_OK(AppendGroup(**wal, std::vector<TestRecord>(records.begin() + 470, records.end()), Version(1000)));
  ASSERT_OK((*wal)->PrepareSpace((*wal)->max_group_bytes()));  // a new segment without a record
  for (uint64_t v = 1001; v <= 1600; ++v) {
    ASSERT_OK((*wal)->PrepareSpace(Wal::kWatermarkBytes));
    ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, Version(v)));
  }
  EXPECT_EQ(log.SegmentVersions(), (std::vector<Version>{Version(1001), Version(1471), Version(1601)}));
  ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(1601), kFirstBranch, 8)}, Version(1600)));
  const auto scan = log.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
  EXPECT_EQ(scan->last, Version(1601));
  EXPECT_EQ(scan->durable_through, Version(1600));
  EXPECT_EQ(log.Read(Version(1001), Version(1600)).value(), records);
}

TEST(Wal, StartSegmentNeedsEnoughRecords) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  const TestRecord one = MakeRecord(Version(1), kFirstBranch, 3000),
                   two = MakeRecord(Version(2), kFirstBranch, 50);
  {
    const auto wal = log.Open();
    ASSERT_OK(wal.status());
    ASSERT_OK((*wal)->StartSegment(0));
    EXPECT_EQ(log.SegmentVersions(), std::vector{Version(1)}) << "an empty segment serves";
    ASSERT_OK(AppendSynced(**wal, {one}));
    ASSERT_OK((*wal)->StartSegment(1 << 20));
    EXPECT_EQ(log.SegmentVersions(), std::vector{Version(1)}) << "too little in it";
    ASSERT_OK((*wal)->StartSegment(2000));
    EXPECT_EQ(log.SegmentVersions(), (std::vector{Version(1), Version(2)}));
    ASSERT_OK((*wal)->StartSegment(0));
    EXPECT_EQ(log.SegmentVersions(), (std::vector{Version(1), Version(2)}));
  }
  const Result<LogScan> empty = log.Scan(Version(1));
  ASSERT_OK(empty.status());
  EXPECT_EQ(empty->end, LogEnd::kClean);
  EXPECT_EQ(empty->last, Version(1));
  const auto wal = log.Open();
  ASSERT_OK(wal.status());
  ASSERT_OK(AppendSynced(**wal, {two}));
  const auto records = log.Read(Version(1), Version(2));
  ASSERT_OK(records.status());
  EXPECT_EQ(*records, (std::vector{one, two}));
}

TEST(Wal, SmallerSegmentsTakeEffectAtOnce) {
  const WalOptions large{.segment_bytes = 1 << 20, .fill_step_bytes = 512 * 1024};
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), large, Version(1)));
  {
    const auto wal = log.Open(PosixFs(), large);
    ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(1), kFirstBranch, 200'000)}, Version(0)));
  }
  const auto wal = log.Open();
  ASSERT_OK(wal.status());
  ASSERT_OK(AppendGroup(**wal, {MakeRecord(Version(2), kFirstBranch, 100)}, Version(1)));
  EXPECT_EQ(log.SegmentVersions(), (std::vector<Version>{Version(1), Version(2)}));
  EXPECT_EQ(log.Scan()->last, Version(2));
}

TEST(Wal, OpenRefusesToKeepAMissingVersion) {
  LogFixture log;
  ASSERT_OK(CreateLog(log.Context(), kSmallLog, Version(1)));
  const auto scan = log.Scan();
  const auto wal = Wal::Open(log.Context(), kSmallLog, *scan, Version(3));
  EXPECT_EQ(wal.status().code(), StatusCode::kInvalidArgument);
}

class ThreeSegments : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(1)));
    const auto wal = log_.Open();
    ASSERT_OK(wal.status());
    for (uint64_t v = 1; v <= 6; ++v) records_.push_back(MakeRecord(Version(v), kFirstBranch, 25'000));
    ASSERT_OK(AppendSynced(**wal, records_));
    ASSERT_EQ(log_.SegmentVersions(), (std::vector<Version>{Version(1), Version(3), Version(5)}));
  }
  LogFixture log_;
  std::vector<TestRecord> records_;
};

TEST_F(ThreeSegments, ListShowsSegmentsWithoutVerification) {
  const auto list = ListSegments(log_.Context());
  ASSERT_OK(list.status());
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0].first, Version(1));
  EXPECT_EQ((*list)[0].last, Version(2));
  EXPECT_TRUE((*list)[0].sealed);
  EXPECT_EQ((*list)[2].first, Version(5));
  EXPECT_EQ((*list)[2].last, Version(6));
  EXPECT_FALSE((*list)[2].sealed);
  EXPECT_EQ((*list)[2].path, log_.SegmentPath(Version(5)));
  EXPECT_EQ((*list)[2].bytes, PosixFs().Stat(log_.SegmentPath(Version(5)))->size_bytes);
}

TEST_F(ThreeSegments, ListShowsADamagedSegmentAsEmpty) {
  LogImage image = log_.Save();
  image[SegmentName(Version(5))][20] ^= 1;
  log_.Restore(image);
  const auto list = ListSegments(log_.Context());
  ASSERT_OK(list.status());
  EXPECT_EQ(list->back().last, Version(4));
}

TEST_F(ThreeSegments, ReadNamesTheMissingVersions) {
  EXPECT_EQ(log_.Read(Version(3), Version(2))->size(), 0u);
  const Status above = log_.Read(Version(5), Version(9)).status();
  EXPECT_STATUS(above, StatusCode::kCorruption, "versions 7 to 9");
  const auto wal = log_.Open();
  ASSERT_OK((*wal)->DropBefore(Version(3)));
  const Status below = log_.Read(Version(1), Version(4)).status();
  EXPECT_STATUS(below, StatusCode::kCorruption, "versions 1 to 2");
}

TEST_F(ThreeSegments, ReadReturnsTheErrorOfTheCallback) {
  int calls = 0;
  const Status status = ReadLog(log_.Context(), Version(1), Version(6), [&](const LogRecord& record) {
    ++calls;
    return record.head.version == Version(4) ? Status::Busy("enough") : Status::Ok();
  });
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_EQ(calls, 4);
}

TEST_F(ThreeSegments, DropBeforeKeepsEverySegmentThatHoldsTheVersion) {
  const auto wal = log_.Open();
  ASSERT_OK(wal.status());
  ASSERT_OK((*wal)->DropBefore(Version(2)));
  EXPECT_EQ((*wal)->first(), Version(1));
  ASSERT_OK((*wal)->DropBefore(Version(4)));
  EXPECT_EQ((*wal)->first(), Version(3));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector<Version>{Version(3), Version(5)}));
  ASSERT_OK((*wal)->DropBefore(Version(1000)));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector<Version>{Version(5)}));
  EXPECT_EQ((*wal)->total_bytes(), PosixFs().Stat(log_.SegmentPath(Version(5)))->size_bytes);
  const auto scan = log_.Scan(Version(6));
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->first, Version(5));
  EXPECT_EQ(scan->last, Version(6));
  EXPECT_EQ(scan->end, LogEnd::kClean);
}

TEST_F(ThreeSegments, MissingSegmentIsCorruptAndNamed) {
  ASSERT_OK(PosixFs().RemoveFile(log_.SegmentPath(Version(3))));
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kCorrupt);
  EXPECT_EQ(scan->last, Version(2));
  EXPECT_EQ(scan->damaged_from, Version(3));
  EXPECT_EQ(scan->damaged_to, Version(4));
}

TEST_F(ThreeSegments, SegmentOfAnotherCopyOfTheLogIsDetected) {
  // A second log with the same versions and other content: each of its segments is valid by itself.
  const LogImage mine = log_.Save();
  LogFixture other;
  ASSERT_OK(CreateLog(other.Context(), kSmallLog, Version(1)));
  const auto wal = other.Open();
  std::vector<TestRecord> records;
  for (uint64_t v = 1; v <= 6; ++v) records.push_back(MakeRecord(Version(v), kFirstBranch, 25'000, 1));
  ASSERT_OK(AppendSynced(**wal, records));
  LogImage mixed = mine;
  mixed[SegmentName(Version(3))] = other.Save()[SegmentName(Version(3))];
  log_.Restore(mixed);
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kCorrupt);
  EXPECT_EQ(scan->last, Version(2));
}

}  // namespace
}  // namespace rawkv
