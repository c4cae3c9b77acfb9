// Invariants 10 and 13: a full filesystem changes nothing and can be tried again; a failed sync ends all
// writing.

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
    const Known record = MakeRecord(Next(wal_->last()), kFirstBranch, body_bytes);
    RAWKV_RETURN_IF_ERROR(AppendGroup(*wal_, {record}, Previous(record.version)));
    records_.push_back(record);
    return wal_->Sync();
  }

  void ExpectWhole() {
    const auto scan = log_.Scan(wal_->last());
    ASSERT_OK(scan.status());
    EXPECT_EQ(scan->end, LogEnd::kClean) << scan->message;
    EXPECT_EQ(scan->last, records_.back().version);
    EXPECT_EQ(log_.Read(Version(1), scan->last).value(), records_);
  }

  // Tries an append that must fail for lack of room, looks, makes room, goes on.
  void ExpectTriesAgain(size_t body_bytes, FaultFs::Fault fault) {
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
      ExpectWhole();
    }
    fs_.Disarm();
    ASSERT_OK(Append(body_bytes));
    ExpectWhole();
    ASSERT_OK(log_.Open().status());
    for (const auto& [name, content] : log_.Save()) EXPECT_FALSE(name.ends_with(".tmp")) << name;
  }

  LogFixture log_;
  FaultFs fs_{PosixFs()};
  std::unique_ptr<Wal> wal_;
  std::vector<Known> records_;
};

TEST_F(LogSpace, NoRoomForASegmentOnDemandChangesNothing) {
  fs_.Arm(
      {.status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kMatching, .matches = IsRoomNeeded});
  EXPECT_EQ(wal_->StartSegment(500).code(), StatusCode::kNoSpace);
  EXPECT_TRUE(fs_.fired());
  EXPECT_EQ(log_.SegmentVersions(), std::vector{Version(1)});
  ExpectWhole();
  fs_.Disarm();
  ASSERT_OK(Append(1000));
  ASSERT_OK(wal_->StartSegment(500));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector{Version(1), Version(3)}));
  ASSERT_OK(Append(1000));
  ExpectWhole();
}

TEST_F(LogSpace, FailedSyncOfASegmentOnDemandEndsAllWriting) {
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
  ExpectTriesAgain(10'000, {.matches = IsRoomNeeded});
}

TEST_F(LogSpace, ZerosThatWereHalfWrittenAreTakenOver) {
  ExpectTriesAgain(10'000, {.partial = true, .matches = IsRoomNeeded});
}

TEST_F(LogSpace, NoRoomForTheNextSegmentChangesNothing) {
  ASSERT_OK(Append(40'000));
  ExpectTriesAgain(40'000, {.matches = IsRoomNeeded});
}

// Nothing can be removed either: the half-made segment stays, and the next attempt takes it away.
TEST_F(LogSpace, HalfMadeSegmentThatCannotBeRemovedIsNoObstacle) {
  ASSERT_OK(Append(40'000));
  for (const char* step : {"write", "zerofill", "rename"}) {
    SCOPED_TRACE(step);
    bool full = false;
    ExpectTriesAgain(40'000, {.matches = [&](const FaultFs::Operation& op) {
                       full = full || (op.name == step && !op.Is("write", ".log"));
                       return full && (op.name == step || op.Is("unlink")) && !op.Is("write", ".log");
                     }});
  }
}

// The segment may have its name already when the directory or the segment itself cannot be opened.
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
      ExpectWhole();
    }
    fs_.Disarm();
  }
  // What fits the old segment goes to the new one all the same, which is named already.
  ASSERT_OK(Append(10));
  ASSERT_OK(Append(20'000));
  EXPECT_EQ(log_.SegmentVersions(), (std::vector{Version(1), Next(last)}));
  ExpectWhole();
  wal_ = log_.Open(fs_).value();
  ExpectWhole();
}

TEST_F(LogSpace, LessThanAStepIsEnoughIfTheGroupFits) {
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
  ExpectWhole();
}

TEST_F(LogSpace, WatermarkHasItsRoomOnAFullDisk) {
  ASSERT_OK(Append(2900));
  fs_.Arm(
      {.status = Status::NoSpace("injected"), .reach = FaultFs::Reach::kMatching, .matches = IsRoomNeeded});
  ASSERT_OK(wal_->AppendWatermark(kFirstBranch, wal_->last()));
  fs_.Disarm();
  ASSERT_OK(wal_->Sync());
  EXPECT_EQ(log_.Scan()->durable_through, wal_->last());
}

// Every failure at a sync, and every other error, is final: kNoSpace would invite a second try.
TEST_F(LogSpace, FailedSyncIsNeverNoSpaceAndEndsAllWriting) {
  ASSERT_OK(Append(30'000));
  const Image image = log_.Save();
  const std::vector<Known> records = records_;
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
    EXPECT_EQ(wal_->TruncateAfter(Version(1)).code(), StatusCode::kPoisoned);
    EXPECT_EQ(wal_->DropBefore(Version(1)).code(), StatusCode::kPoisoned);
    const auto scan = log_.Scan(records.back().version);
    ASSERT_OK(scan.status());
    EXPECT_NE(scan->end, LogEnd::kCorrupt) << scan->message;
  }
}

// Killed anywhere while appending over a rotation: what was acknowledged is there.
TEST_F(LogSpace, StoppedAppendKeepsWhatWasAcknowledged) {
  const Image image = log_.Save();
  const std::vector<Known> records = records_;
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
      const std::vector<Known> read = log_.Read(Version(1), scan->last).value();
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
