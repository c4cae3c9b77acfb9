// Reads of a damaged log, and its replacement, interrupted at every change.

#include "wal/log_salvage.h"
#include "tests/support/fault_fs.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

class LogSalvage : public testing::Test {
 protected:
  // Records 1 … 4 and 5 … 8 in one segment each. Each record claims that the one before it is durable.
  void SetUp() override {
    ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(1)));
    const auto wal = log_.Open();
    ASSERT_OK(wal.status());
    for (uint64_t v = 1; v <= 8; ++v) records_.push_back(MakeRecord(Version(v), kFirstBranch, 100 + v));
    ASSERT_OK(AppendSynced(**wal, {records_.begin(), records_.begin() + 4}));
    ASSERT_OK((*wal)->PrepareSpace((*wal)->max_group_bytes()));
    ASSERT_OK(AppendSynced(**wal, {records_.begin() + 4, records_.end()}));
    ASSERT_EQ(log_.SegmentVersions(), (std::vector{Version(1), Version(5)}));
  }

  void FlipByte(Version segment, uint64_t offset) {
    LogImage image = log_.Save();
    char& byte = image[SegmentName(segment)][offset];
    byte = static_cast<char>(byte ^ 1);
    log_.Restore(image);
  }
  void FlipRecord(uint64_t version) {
    const Version segment(version < 5 ? 1 : 5);
    const size_t at = log_.Save()[SegmentName(segment)].find(records_[version - 1].body);
    ASSERT_NE(at, std::string::npos);
    FlipByte(segment, at);
  }

  // Reads from `from`, compares each record with the written one, and returns the versions.
  std::vector<uint64_t> ReadFrom(uint64_t from, uint64_t to = 100) {
    std::vector<uint64_t> out;
    const Result<LogPart> part =
        ReadIntactRecords(log_.Context(), Version(from), Version(to), [&](const LogRecord& record) {
          out.push_back(record.head.version.value());
          EXPECT_EQ(AsStringView(record.body), records_[out.back() - 1].body);
          return Status::Ok();
        });
    EXPECT_OK(part);
    if (!part.ok()) return {};
    EXPECT_EQ(part->last, Version(out.empty() ? from - 1 : out.back()));
    return out;
  }
  Version Newest() {
    const Result<Version> newest = FindNewestVersionInLog(log_.Context());
    EXPECT_OK(newest);
    return newest.ok() ? *newest : Version();
  }

  LogFixture log_;
  std::vector<TestRecord> records_;
};

TEST_F(LogSalvage, ReadsAnIntactLogFromAnyVersion) {
  EXPECT_EQ(ReadFrom(1), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(ReadFrom(3), (std::vector<uint64_t>{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(ReadFrom(3, 6), (std::vector<uint64_t>{3, 4, 5, 6}));
  EXPECT_EQ(ReadFrom(9), std::vector<uint64_t>{});
  EXPECT_EQ(Newest(), Version(8));
}

TEST_F(LogSalvage, ReadsFromAfterDamageAndEndsAtDamage) {
  FlipRecord(2);
  FlipRecord(7);
  EXPECT_EQ(ReadFrom(1), std::vector<uint64_t>{1});
  EXPECT_EQ(ReadFrom(2), std::vector<uint64_t>{});
  EXPECT_EQ(ReadFrom(3), (std::vector<uint64_t>{3, 4, 5, 6}));
  EXPECT_EQ(ReadFrom(8), std::vector<uint64_t>{8});
  EXPECT_EQ(Newest(), Version(8));
}

TEST_F(LogSalvage, ReadsAcrossADamagedSegmentHeader) {
  FlipByte(Version(1), 9);
  FlipByte(Version(5), 9);
  EXPECT_FALSE(log_.Scan().ok());
  EXPECT_EQ(ReadFrom(2), (std::vector<uint64_t>{2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(Newest(), Version(8));
}

TEST_F(LogSalvage, NeverReadsAnAbandonedBranch) {
  log_.Fork(kSecondBranch, Version(6));
  EXPECT_EQ(ReadFrom(3), (std::vector<uint64_t>{3, 4, 5, 6}));
  EXPECT_EQ(ReadFrom(7), std::vector<uint64_t>{});
  EXPECT_EQ(Newest(), Version(6));
}

TEST_F(LogSalvage, AnErrorOfTheCallerEndsTheWalk) {
  const Status status =
      ReadIntactRecords(log_.Context(), Version(1), Version(8), [](const LogRecord& record) {
        return record.head.version == Version(6) ? Status::IoError("enough") : Status::Ok();
      }).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
}

TEST_F(LogSalvage, NewestVersionIncludesTheNameOfAnEmptySegment) {
  LogImage image = log_.Save();
  for (auto& [name, content] : image) {
    std::fill(content.begin() + kSegmentHeaderBytes, content.end(), '\0');
  }
  log_.Restore(image);
  EXPECT_EQ(Newest(), Version(4));
}

TEST_F(LogSalvage, SegmentsAboveAreRemovedWithoutReading) {
  FlipByte(Version(5), 9);
  ASSERT_OK(RemoveSegmentsAbove(log_.Context(), Version(4)));
  EXPECT_EQ(log_.SegmentVersions(), std::vector{Version(1)});
  ASSERT_OK(RemoveSegmentsAbove(log_.Context(), Version(0)));
  EXPECT_EQ(log_.SegmentVersions(), std::vector{Version(1)}) << "the oldest stays";
}

// Replaces the log at a version inside a segment, at the start of one, and above all; interrupts each at
// every change, and repeats the call.
TEST_F(LogSalvage, ReplaceLogCanBeInterruptedAnywhere) {
  const LogImage before = log_.Save();
  for (const uint64_t first : {3, 5, 7, 30}) {
    size_t stops = 0;
    for (bool through = false; !through; ++stops) {
      SCOPED_TRACE("at " + std::to_string(first) + ", stopped at change " + std::to_string(stops));
      ASSERT_LT(stops, 100u);
      log_.Restore(before);
      FaultFs fs(PosixFs());
      fs.Arm({.skip = stops});
      const Status status = ReplaceLog(log_.Context(fs), kSmallLog, Version(first));
      through = !fs.fired();
      EXPECT_EQ(status.ok(), through) << status.ToString();
      EXPECT_FALSE(log_.SegmentVersions().empty()) << "a missing log is corruption";
      ASSERT_OK(ReplaceLog(log_.Context(), kSmallLog, Version(first)));
      EXPECT_EQ(log_.SegmentVersions(), std::vector{Version(first)});
      const Result<LogScan> scan = log_.Scan(Version(first - 1));
      ASSERT_OK(scan.status());
      EXPECT_EQ(scan->end, LogEnd::kClean);
      EXPECT_EQ(scan->last, Version(first - 1));
    }
    EXPECT_GT(stops, 5u);
  }
}

TEST_F(LogSalvage, BackedUpSegmentOutlivesTheLog) {
  const LogImage before = log_.Save();
  TempDir aside;
  const Result<std::vector<SegmentFile>> files = ListSegmentFiles(PosixFs(), log_.dir());
  ASSERT_OK(files.status());
  ASSERT_OK(BackUpSegment(log_.Context(), (*files)[0], aside.path(), BackupMode::kCopy));
  ASSERT_OK(BackUpSegment(log_.Context(), (*files)[1], aside.path(), BackupMode::kLink));
  ASSERT_OK(ReplaceLog(log_.Context(), kSmallLog, Version(5)));
  for (const auto& [name, content] : before) {
    const Result<std::string> kept = ReadFile(PosixFs(), aside.File(name), 1 << 20);
    ASSERT_OK(kept.status());
    EXPECT_TRUE(*kept == content) << name;
  }
}

}  // namespace
}  // namespace rawkv
