// Removal of records: after a rollback, at the lower end of the log, and interrupted at every I/O.

#include "tests/support/fault_fs.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

class LogCut : public testing::Test {
 protected:
  // Versions 101 … 108 of the first branch in three segments: 101–103, 104–106, 107–108.
  void SetUp() override {
    ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(101)));
    const auto wal = log_.Open();
    ASSERT_OK(wal.status());
    for (uint64_t v = 101; v <= 108; ++v)
      records_.push_back(MakeRecord(Version(v), kFirstBranch, 17'000 + v));
    ASSERT_OK(AppendSynced(**wal, records_));
    ASSERT_EQ(log_.SegmentVersions(), (std::vector<Version>{Version(101), Version(104), Version(107)}));
    image_ = log_.Save();
    chain_ = log_.chain();
  }

  // Restores the log of SetUp, for a store that has since forked after version `fork`.
  void StartForked(uint64_t fork) {
    log_.Restore(image_);
    log_.SetChain(chain_.Forked(kSecondBranch, Version(fork)));
  }

  // The records of [first, last] that the first branch wrote.
  std::vector<TestRecord> RecordsThrough(Version last, Version first = Version(101)) const {
    std::vector<TestRecord> records;
    for (const TestRecord& record : records_) {
      if (record.version >= first && record.version <= last) records.push_back(record);
    }
    return records;
  }

  void ExpectLog(Version first, const std::vector<TestRecord>& expected) {
    const Version last = expected.empty() ? Previous(first) : expected.back().version;
    const Result<LogScan> scan = log_.Scan(last);
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->first, first);
    EXPECT_EQ(scan->last, last);
    const auto read = log_.Read(first, last);
    ASSERT_OK(read.status());
    EXPECT_EQ(*read, expected);
  }

  // Appends records of the present branch after `kept`, as long as the old ones, and expects them all in the
  // log.
  void ExpectAppendsAfter(Version first, std::vector<TestRecord> kept, Version fork) {
    const auto wal = log_.Open();
    ASSERT_OK(wal.status());
    ASSERT_EQ((*wal)->last(), fork);
    for (uint64_t v = fork.value() + 1; v <= fork.value() + 4; ++v) {
      kept.push_back(MakeRecord(Version(v), log_.chain().current(), 17'000 + v, 7));
      ASSERT_OK(AppendSynced(**wal, {kept.back()}));
    }
    ExpectLog(first, kept);
  }

  // For every n: runs `cut` on a filesystem whose changes fail from the n-th on, and then calls `check`.
  // `cut` returns the status of the operation under test.
  void StopAtEveryChange(const std::function<Status(FaultFs&)>& cut, const std::function<void()>& check) {
    const LogImage image = log_.Save();
    for (const bool partial : {false, true}) {
      for (uint64_t n = 0;; ++n) {
        SCOPED_TRACE("stopped at change " + std::to_string(n) + (partial ? ", half done" : ""));
        ASSERT_LT(n, 100u);
        log_.Restore(image);
        FaultFs fs(PosixFs());
        fs.Arm({.skip = n, .partial = partial, .matches = {}});
        const Status status = cut(fs);
        const bool done = !fs.fired();
        EXPECT_EQ(status.ok(), done) << status.ToString();
        check();
        if (done || HasFailure()) break;
      }
    }
  }

  LogFixture log_{Version(100)};
  std::vector<TestRecord> records_;
  LogImage image_;
  LineageChain chain_;  // of the first branch alone
};

TEST_F(LogCut, AnOpenCutsInsideAnySegment) {
  for (uint64_t v = 100; v <= 108; ++v) {
    SCOPED_TRACE("after " + std::to_string(v));
    log_.Restore(image_);
    const auto scan = log_.Scan();
    ASSERT_OK(scan.status());
    const auto wal = Wal::Open(log_.Context(), kSmallLog, *scan, Version(v));
    ASSERT_OK(wal.status());
    EXPECT_EQ((*wal)->last(), Version(v));
    EXPECT_EQ((*wal)->first(), Version(101));
    ExpectLog(Version(101), RecordsThrough(Version(v)));
    // The same writer continues.
    const TestRecord next = MakeRecord(Version(v + 1), kFirstBranch, 17'000, 3);
    ASSERT_OK(AppendSynced(**wal, {next}));
    std::vector<TestRecord> expected = RecordsThrough(Version(v));
    expected.push_back(next);
    ExpectLog(Version(101), expected);
  }
}

TEST_F(LogCut, ScanIgnoresAbandonedRecordsAboveTheFork) {
  for (uint64_t fork = 100; fork < 108; ++fork) {
    SCOPED_TRACE("fork " + std::to_string(fork));
    StartForked(fork);
    const auto scan = log_.Scan(Version(fork));
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kTorn);
    EXPECT_EQ(scan->last, Version(fork));
    EXPECT_GT(scan->torn_bytes, 0u);
    EXPECT_LE(scan->durable_through, Version(fork));
    EXPECT_EQ(log_.Read(Version(101), Version(fork + 1)).status().code(), StatusCode::kCorruption);
  }
}

TEST_F(LogCut, NewBranchContinuesTheLogAtTheFork) {
  for (uint64_t fork = 100; fork < 108; ++fork) {
    SCOPED_TRACE("fork " + std::to_string(fork));
    StartForked(fork);
    ExpectAppendsAfter(Version(101), RecordsThrough(Version(fork)), Version(fork));
    if (HasFailure()) return;
  }
}

TEST_F(LogCut, OpenCutsTheAbandonedBranch) {
  for (const uint64_t fork : {100, 103, 105, 106}) {
    SCOPED_TRACE("fork " + std::to_string(fork));
    StartForked(fork);
    ASSERT_OK(log_.Open().status());
    ExpectLog(Version(101), RecordsThrough(Version(fork)));
  }
}

TEST_F(LogCut, WatermarkRightAfterARollbackIsValid) {
  for (const uint64_t fork : {100, 103, 105, 106}) {
    SCOPED_TRACE("fork " + std::to_string(fork));
    StartForked(fork);
    {
      const auto wal = log_.Open();
      ASSERT_OK(wal.status());
      ASSERT_OK((*wal)->AppendWatermark(kSecondBranch, Version(fork)));
    }
    const auto scan = log_.Scan();
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->durable_through, Version(fork));
  }
}

TEST_F(LogCut, InterruptedOpenLeavesTheLogOfTheNewBranch) {
  for (const uint64_t fork : {100, 102, 103, 105, 107}) {
    SCOPED_TRACE("fork " + std::to_string(fork));
    StartForked(fork);
    StopAtEveryChange(
        [&](FaultFs& fs) { return log_.Open(fs).status(); },
        [&] { ExpectAppendsAfter(Version(101), RecordsThrough(Version(fork)), Version(fork)); });
    if (HasFailure()) return;
  }
}

// A rollback to a snapshot below the log. Its recovery makes this call, which must finish the restart.
TEST_F(LogCut, NextOpenFinishesAnInterruptedRestartBelowTheLog) {
  {
    const auto wal = log_.Open();
    ASSERT_OK((*wal)->DropBefore(Version(105)));
  }
  log_.Fork(kSecondBranch, Version(102));
  const auto open = [&](Fs& fs) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const LogScan scan, ScanLog(log_.Context(fs), Version(102), Version(102)));
    return Wal::Open(log_.Context(fs), kSmallLog, scan, Version(102)).status();
  };
  StopAtEveryChange(open, [&] {
    ASSERT_OK(open(PosixFs()));
    EXPECT_EQ(log_.SegmentVersions(), std::vector<Version>{Version(103)});
    ExpectAppendsAfter(Version(103), {}, Version(102));
  });
}

// A snapshot above the damage: the log cannot be replayed up to it, and restarts after it.
TEST_F(LogCut, NextOpenFinishesAnInterruptedRestartAboveDamage) {
  LogImage image = log_.Save();
  image[SegmentName(Version(104))][5000] ^= 1;
  log_.Restore(image);
  log_.Fork(kSecondBranch, Version(107));
  const auto open = [&](Fs& fs) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const LogScan scan, ScanLog(log_.Context(fs), Version(101), Version(107)));
    return Wal::Open(log_.Context(fs), kSmallLog, scan, Version(107)).status();
  };
  StopAtEveryChange(open, [&] {
    ASSERT_OK(open(PosixFs()));
    // Record 107 may have stayed if the damaged records below it are gone.
    const auto scan = log_.Scan(Version(107));
    ASSERT_OK(scan.status());
    EXPECT_GE(scan->first, Version(107));
    ExpectAppendsAfter(scan->first, RecordsThrough(Version(107), scan->first), Version(107));
  });
}

TEST_F(LogCut, InterruptedDropLeavesALogWithoutGaps) {
  const auto cut = [&](FaultFs& fs) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const auto wal, log_.Open(fs));
    return wal->DropBefore(Version(107));
  };
  StopAtEveryChange(cut, [&] {
    const auto scan = log_.Scan(Version(108));
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->last, Version(108));
    const auto read = log_.Read(scan->first, scan->last);
    ASSERT_OK(read.status());
    EXPECT_TRUE(std::equal(read->rbegin(), read->rend(), records_.rbegin()));
  });
}

TEST_F(LogCut, FailedDropCanBeRetried) {
  FaultFs fs(PosixFs());
  const auto wal = log_.Open(fs);
  ASSERT_OK(wal.status());
  fs.Arm({.reach = FaultFs::Reach::kOnce,
          .matches = [](const FaultFs::Operation& op) { return op.Is("syncdir"); }});
  EXPECT_FALSE((*wal)->DropBefore(Version(107)).ok());
  ASSERT_OK((*wal)->DropBefore(Version(107)));
  EXPECT_EQ(log_.SegmentVersions(), std::vector<Version>{Version(107)});
  EXPECT_EQ((*wal)->first(), Version(107));
}

// The payload of the last record is lost, so recovery cuts the record from a good log of the same branch, and
// a different record with the same version follows.
TEST_F(LogCut, RecordsCutByAnInterruptedOpenNeverReturn) {
  const auto cut = [&](FaultFs& fs) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const LogScan scan, ScanLog(log_.Context(fs), Version(101), Version(0)));
    return Wal::Open(log_.Context(fs), kSmallLog, scan, Version(107)).status();
  };
  StopAtEveryChange(cut, [&] {
    const auto scan = log_.Scan(Version(107));
    ASSERT_OK(scan.status());
    EXPECT_NE(scan->end, LogEnd::kCorrupt) << scan->message;
    EXPECT_GE(scan->last, Version(107));
    const auto wal = Wal::Open(log_.Context(), kSmallLog, *scan, Version(107));
    ASSERT_OK(wal.status());
    std::vector<TestRecord> expected = RecordsThrough(Version(107));
    expected.push_back(MakeRecord(Version(108), kFirstBranch, 17'108, 9));
    ASSERT_OK(AppendSynced(**wal, {expected.back()}));
    ExpectLog(Version(101), expected);
  });
}

TEST_F(LogCut, InterruptedCreationLeavesNoLogOrAWholeOne) {
  log_.Restore({});
  const auto create = [&](FaultFs& fs) { return CreateLog(log_.Context(fs), kSmallLog, Version(101)); };
  StopAtEveryChange(create, [&] {
    if (log_.SegmentVersions().empty()) {
      ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(101)));
    }
    ExpectAppendsAfter(Version(101), {}, Version(100));
  });
}

}  // namespace
}  // namespace rawkv
