// Invariants 10 and 13: an append to a full filesystem changes nothing and can be retried; a failed sync ends
// all writing.

#include "tests/support/fault_fs.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

bool IsRoomNeeded(const FaultFs::Operation& op) {
  return op.Is("zerofill") || op.Is("create") || (op.Is("write") && op.path.ends_with(".tmp"));
}

class LogSpace : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(1)));
    Result<std::unique_ptr<Wal>> wal = log_.Open(fs_);
    ASSERT_OK(wal.status());
    wal_ = std::move(wal).value();
    ASSERT_OK(Append(1000));
  }

  Status Append(size_t body_bytes) {
    const TestRecord record = MakeRecord(Next(wal_->last()), kFirstBranch, body_bytes);
    RAWKV_RETURN_IF_ERROR(AppendGroup(*wal_, {record}, Previous(record.version)));
    records_.push_back(record);
    return wal_->Sync();
  }

  void ExpectIntactLog() {
    const auto scan = log_.Scan(wal_->last());
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->last, records_.back().version);
    EXPECT_EQ(log_.Read(Version(1), scan->last).value(), records_);
  }

  // Expects an append without room to fail and to change nothing, and to succeed once there is room.
  void ExpectRetryAfterNoSpace(size_t body_bytes, FaultFs::Fault fault) {
    const Version last = wal_->last();
    const uint64_t bytes = wal_->total_bytes();
    const std::vector<Version> segments = log_.SegmentVersions();
    fault.status = Status::NoSpace("injected");
    fault.reach = FaultFs::Reach::kMatching;
    fs_.Arm(fault);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Append(body_bytes).code(), StatusCode::kNoSpace);
      EXPECT_TRUE(fs_.fired());
      EXPECT_EQ(wal_->last(), last);
      EXPECT_EQ(wal_->total_bytes(), bytes);
      EXPECT_EQ(log_.SegmentVersions(), segments);
      ExpectIntactLog();
    }
    fs_.Disarm();
    ASSERT_OK(Append(body_bytes));
    ExpectIntactLog();
    ASSERT_OK(log_.Open().status());
    for (const auto& [name, content] : log_.Save()) EXPECT_FALSE(name.ends_with(".tmp")) << name;
  }

  LogFixture log_;
  FaultFs fs_{PosixFs()};
  std::unique_ptr<Wal> wal_;
  std::vector<TestRecord> records_;
};

TEST_F(LogSpace, NoRoomForARequestedSegmentChangesNothing) {
  fs_.Arm(
      {.status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kMatching, .matches = IsRoomNeeded});
  EXPECT_EQ(wal_->StartSegment(500).code(), StatusCode::kNoSpace);
  EXPECT_TRUE(fs_.fired());
  EXPECT_EQ(log_.SegmentVersions(), std::vector{Version(1)});
  ExpectIntactLog();
  fs_.Disarm();
  ASSERT_OK(Append(1000));
  ASSERT_OK(wal_->StartSegment(500));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector{Version(1), Version(3)}));
  ASSERT_OK(Append(1000));
  ExpectIntactLog();
}

TEST_F(LogSpace, FailedSyncOfARequestedSegmentEndsAllWriting) {
  fs_.Arm({.status = Status::NoSpace("injected"),
           .reach = FaultFs::Reach::kOnce,
           .matches = [](const FaultFs::Operation& op) { return op.Is("syncdir"); }});
  EXPECT_EQ(wal_->StartSegment(500).code(), StatusCode::kIoError);
  EXPECT_TRUE(fs_.fired());
  EXPECT_EQ(Append(1000).code(), StatusCode::kPoisoned);
  wal_.reset();
  const auto scan = log_.Scan(Version(1));
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
  EXPECT_EQ(scan->last, Version(1));
  ASSERT_OK(log_.Open().status());
}

TEST_F(LogSpace, NoRoomForZerosAheadChangesNothing) {
  ExpectRetryAfterNoSpace(10'000, {.matches = IsRoomNeeded});
}

TEST_F(LogSpace, PartlyWrittenZerosAreReused) {
  ExpectRetryAfterNoSpace(10'000, {.partial = true, .matches = IsRoomNeeded});
}

TEST_F(LogSpace, NoRoomForTheNextSegmentChangesNothing) {
  ASSERT_OK(Append(40'000));
  ExpectRetryAfterNoSpace(40'000, {.matches = IsRoomNeeded});
}

// Removals fail, too: the temporary segment stays, and the next attempt removes it.
TEST_F(LogSpace, UnremovableTemporarySegmentDoesNotBlockTheNextAttempt) {
  ASSERT_OK(Append(40'000));
  for (const char* step : {"write", "zerofill", "rename"}) {
    SCOPED_TRACE(step);
    bool full = false;
    ExpectRetryAfterNoSpace(40'000, {.matches = [&](const FaultFs::Operation& op) {
                              full = full || (op.name == step && !op.Is("write", ".log"));
                              return full && (op.name == step || op.Is("unlink")) && !op.Is("write", ".log");
                            }});
  }
}

// The new segment may already have its name when the open of the directory or of the segment fails.
TEST_F(LogSpace, TooManyOpenFilesDuringARotationChangeNothing) {
  ASSERT_OK(Append(40'000));
  const Version last = wal_->last();
  for (const char* step : {"create", "syncdir"}) {
    SCOPED_TRACE(step);
    fs_.Arm({.status = Status::Refused("injected"),
             .reach = FaultFs::Reach::kMatching,
             .matches = [&](const FaultFs::Operation& op) { return op.Is(step); }});
    for (int i = 0; i < 2; ++i) {
      const Status refused = wal_->PrepareSpace(40'000);
      EXPECT_TRUE(refused.lacks_resource()) << refused.ToString();
      EXPECT_TRUE(fs_.fired());
      ExpectIntactLog();
    }
    fs_.Disarm();
  }
  // The new segment is named already, so a group that would fit the old one goes to the new one.
  ASSERT_OK(Append(10));
  ASSERT_OK(Append(20'000));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector{Version(1), Next(last)}));
  ExpectIntactLog();
  wal_ = log_.Open(fs_).value();
  ExpectIntactLog();
}

TEST_F(LogSpace, LessRoomThanAFillStepIsEnoughIfTheGroupFits) {
  const WalOptions options{.segment_bytes = 64 * 1024, .fill_step_bytes = 32 * 1024};
  wal_ = log_.Open(fs_, options).value();
  fs_.Arm({.status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kOnce, .matches = IsRoomNeeded});
  ASSERT_OK(Append(10'000));
  EXPECT_TRUE(fs_.fired());
  EXPECT_LT(wal_->total_bytes(), 32u * 1024);
  ASSERT_OK(Append(40'000));
  fs_.Arm({.status = Status::NoSpace("injected"),
           .reach = FaultFs::Reach::kOnce,
           .matches = [](const FaultFs::Operation& op) { return op.Is("zerofill", ".tmp"); }});
  ASSERT_OK(Append(20'000));
  EXPECT_TRUE(fs_.fired());
  ExpectIntactLog();
}

TEST_F(LogSpace, WatermarkFitsOnAFullDisk) {
  ASSERT_OK(Append(2900));
  fs_.Arm(
      {.status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kMatching, .matches = IsRoomNeeded});
  ASSERT_OK(wal_->AppendWatermark(kFirstBranch, wal_->last()));
  fs_.Disarm();
  ASSERT_OK(wal_->Sync());
  EXPECT_EQ(log_.Scan()->durable_through, wal_->last());
}

// Every failure of a sync, and every other error, is final: kNoSpace would invite a retry.
TEST_F(LogSpace, FailedSyncIsNeverNoSpaceAndEndsAllWriting) {
  ASSERT_OK(Append(30'000));
  const LogImage image = log_.Save();
  const std::vector<TestRecord> records = records_;
  struct Step {
    const char* name;
    const char* path_end;
  };
  for (const Step& step :
       {Step{"sync", ".log"}, Step{"sync", ".tmp"}, Step{"syncdir", ""}, Step{"write", ".log"}}) {
    SCOPED_TRACE(std::string(step.name) + " " + step.path_end);
    wal_.reset();
    log_.Restore(image);
    records_ = records;
    wal_ = log_.Open(fs_).value();
    fs_.Arm({.status = Status::NoSpace("injected"),
             .reach = FaultFs::Reach::kOnce,
             .matches = [&](const FaultFs::Operation& op) { return op.Is(step.name, step.path_end); }});
    EXPECT_EQ(Append(40'000).code(), StatusCode::kIoError);
    EXPECT_TRUE(fs_.fired());
    EXPECT_EQ(Append(10).code(), StatusCode::kPoisoned);
    EXPECT_EQ(wal_->Sync().code(), StatusCode::kPoisoned);
    EXPECT_EQ(wal_->DropBefore(Version(1)).code(), StatusCode::kPoisoned);
    const auto scan = log_.Scan(records.back().version);
    ASSERT_OK(scan.status());
    EXPECT_NE(scan->end, LogEnd::kCorrupt) << scan->message;
  }
}

// An append that rotates is interrupted at every change: the log keeps the acknowledged records.
TEST_F(LogSpace, InterruptedAppendKeepsAcknowledgedRecords) {
  const LogImage image = log_.Save();
  const std::vector<TestRecord> records = records_;
  for (const bool partial : {false, true}) {
    for (uint64_t n = 0;; ++n) {
      SCOPED_TRACE("stopped at change " + std::to_string(n));
      ASSERT_LT(n, 200u);
      wal_.reset();
      log_.Restore(image);
      records_ = records;
      FaultFs fs(PosixFs());
      wal_ = log_.Open(fs).value();
      fs.Arm({.skip = n, .partial = partial, .matches = {}});
      Version acknowledged = wal_->last();
      for (int i = 0; i < 8 && Append(15'000).ok(); ++i) acknowledged = wal_->last();
      const auto scan = log_.Scan(acknowledged);
      ASSERT_OK(scan.status());
      EXPECT_NE(scan->end, LogEnd::kCorrupt) << scan->message;
      EXPECT_GE(scan->last, acknowledged);
      const std::vector<TestRecord> read = log_.Read(Version(1), scan->last).value();
      ASSERT_LE(read.size(), records_.size());
      EXPECT_TRUE(std::equal(read.begin(), read.end(), records_.begin()));
      ASSERT_OK(log_.Open().status());
      EXPECT_EQ(log_.Scan()->last, scan->last);
      if (!fs.fired() || HasFailure()) break;
    }
  }
}

}  // namespace
}  // namespace rawkv
