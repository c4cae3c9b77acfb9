// Work on the device: discarding its free slots, and what a full device still takes.

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/device_seam.h"
#include "tests/support/loop_device.h"

namespace rawkv {
namespace {

constexpr uint64_t kSlot = 4096;
constexpr uint64_t kBlocksBeforeSlots = 18;  // superblocks and metadata region of a small device

std::string Slots(uint64_t count, uint64_t seed) {
  return MakeValue({seed, count * kSlot});
}

// Overwrites what is discarded with other bytes, as a disk may, and calls `on_discard` before.
class ScribblingDevice : public DeviceSeam {
 public:
  ScribblingDevice(std::unique_ptr<BlockDevice> base, std::function<void()> on_discard)
      : DeviceSeam(std::move(base), [](const IoRequest&) { return std::nullopt; }),
        on_discard_(std::move(on_discard)) {}

 private:
  Status DoDiscard(DeviceOffset offset, uint64_t length) override {
    on_discard_();
    AlignedBuffer block(kBlockAlign);
    std::fill_n(block.data(), kBlockAlign, std::byte{0xdd});
    for (uint64_t at = 0; at < length; at += kBlockAlign) {
      RAWKV_RETURN_IF_ERROR(
          base().Write(DeviceOffset(offset.value() + at), ConstBytes(block.data(), kBlockAlign)));
    }
    return Status::Ok();
  }
  const std::function<void()> on_discard_;
};

// A device of 64 slots.
class DeviceTest : public EngineTest {
 protected:
  DeviceTest() {
    format_.capacity_bytes = (kBlocksBeforeSlots + 64) * kSlot;
    format_.inline_bytes = 0;
  }
  uint64_t AllocatedBytes(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }
  void Scribble(std::function<void()> on_discard = [] {}) {
    open_.env.open_device = [on_discard](const std::string& path,
                                         const DeviceOpenOptions& options) -> Result<OpenedDevice> {
      RAWKV_ASSIGN_OR_RETURN(OpenedDevice opened, OpenBlockDevice(path, options));
      opened.device = std::make_unique<ScribblingDevice>(std::move(opened.device), on_discard);
      return opened;
    };
  }
  CommitResult TryPut(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(key, value);
    return engine_->Commit(batch);
  }
};

// Fails one flush, the first after `fail` was set.
class OneFailedFlush : public DeviceSeam {
 public:
  OneFailedFlush(std::unique_ptr<BlockDevice> base, std::atomic<bool>& fail)
      : DeviceSeam(std::move(base), [](const IoRequest&) { return std::nullopt; }), fail_(fail) {}

 private:
  Status DoFlush() override {
    if (fail_.exchange(false)) return Status::IoError("injected flush");
    return DeviceSeam::DoFlush();
  }
  std::atomic<bool>& fail_;
};

// Invariant 10: the system reports a lost write to one flush only, so every later one must fail, too.
TEST_F(DeviceTest, AFailedFlushOfAPruneFailsTheNextCommit) {
  std::atomic<bool> fail = false;
  open_.env.open_device = [&fail](const std::string& path,
                                  const DeviceOpenOptions& options) -> Result<OpenedDevice> {
    RAWKV_ASSIGN_OR_RETURN(OpenedDevice opened, OpenBlockDevice(path, options));
    opened.device = std::make_unique<OneFailedFlush>(std::move(opened.device), fail);
    return opened;
  };
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", Slots(2, 1));
  const Version last = Put("key", Slots(2, 2));
  ASSERT_OK(engine_->CreateSnapshot());
  fail = true;
  const Status pruned = engine_->Prune(0).status();
  EXPECT_EQ(pruned.code(), StatusCode::kIoError);
  EXPECT_NE(pruned.message().find("injected flush"), std::string::npos) << pruned.ToString();
  EXPECT_FALSE(fail);

  const CommitResult next = TryPut("key", Slots(2, 3));
  EXPECT_NE(next.outcome, CommitOutcome::kApplied);
  EXPECT_EQ(engine_->Sync().code(), StatusCode::kPoisoned);
  EXPECT_TRUE(Get("key") == Slots(2, 2));
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_GE(Info().version, last);
  Put("key", Slots(2, 4));
}

using TrimTest = DeviceTest;

TEST_F(TrimTest, GivesTheBlocksOfFreeSlotsBack) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  ASSERT_EQ(Info().slots.total, 64u);
  Put("kept", Slots(10, 1));
  Put("old", Slots(20, 2));
  const Version old = Put("gone", Slots(30, 3));
  Delete("gone");
  const uint64_t before = AllocatedBytes(Path("device.img"));
  {
    const auto view = View(old);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
    const Result<TrimReport> held = engine_->TrimDevice();
    ASSERT_OK(held);
    EXPECT_EQ(held->slots, 4u);  // never used
    EXPECT_EQ(AllocatedBytes(Path("device.img")), before);
    const Result<Value> value = engine_->Get("gone", {.view = view.get()});
    ASSERT_OK(value);
    EXPECT_TRUE(value->bytes == Slots(30, 3));
  }
  ASSERT_OK(engine_->Prune(0));
  const Result<TrimReport> report = engine_->TrimDevice();
  ASSERT_OK(report);
  EXPECT_EQ(report->slots, 34u);
  EXPECT_EQ(report->bytes, 34 * kSlot);
  EXPECT_EQ(Info().slots.free, 34u);
  EXPECT_LE(AllocatedBytes(Path("device.img")), before - 30 * kSlot);
  EXPECT_EQ(Get("kept"), Slots(10, 1));
  EXPECT_EQ(Get("old"), Slots(20, 2));
  Put("new", Slots(34, 4));
  EXPECT_EQ(engine_->TrimDevice()->slots, 0u);
}

TEST_F(TrimTest, LeavesWhatIsNeededEvenIfDiscardedBytesReadAsAnything) {
  Scribble();
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  std::map<Version, std::string> history;
  for (uint64_t i = 0; i < 6; ++i) history[Put("key", Slots(5, i))] = Slots(5, i);
  ASSERT_EQ(engine_->TrimDevice()->slots, 34u);
  ReopenKilled();
  ASSERT_NE(engine_, nullptr);
  for (const auto& [version, value] : history) EXPECT_EQ(Get("key", version), value);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  ASSERT_EQ(engine_->TrimDevice()->slots, 59u);
  EXPECT_EQ(Get("key"), Slots(5, 5));
  // The index may have lost that the slots are free. It lists them as deferred then, and nothing reads them.
  ReopenKilled();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Get("key"), Slots(5, 5));
  for (uint64_t i = 0; i < 20; ++i) Put("key", Slots(20, i));
}

// A commit that needs all free slots, some of which are being discarded, waits for them. It neither fails nor
// gives history up.
TEST_F(TrimTest, NeverTakesACommitsLastRoom) {
  std::atomic<uint64_t> discards = 0;
  Scribble([&] { ++discards; });
  open_.settings.keep_recent = 0;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("kept", Slots(40, 1));
  std::atomic<bool> done = false;
  Status trimmed;
  std::thread trimmer([&] {
    while (!done && trimmed.ok()) trimmed = engine_->TrimDevice().status();
  });
  for (uint64_t i = 0; i < 50 || discards < 20; ++i) {
    ASSERT_OK(TryPut("all the rest", Slots(24, i)));
    EXPECT_EQ(Get("all the rest"), Slots(24, i));
    Delete("all the rest");
    ASSERT_OK(engine_->CreateSnapshot());  // frees the slots
  }
  done = true;
  trimmer.join();
  EXPECT_OK(trimmed);
  EXPECT_EQ(engine_->stats().versions_given_up, 0u);
  EXPECT_EQ(Get("kept"), Slots(40, 1));
}

TEST_F(TrimTest, DiscardsOnABlockDevice) {
  ASSERT_OK(CreateDeviceFile(tmp_.File("backing"), 8 * kMiB));
  Result<LoopDevice> loop = LoopDevice::Attach(tmp_.File("backing"));
  if (!loop.ok()) GTEST_SKIP() << loop.status().message();
  format_.device = loop->path();
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("kept", Slots(100, 1));
  Put("gone", Slots(1000, 2));
  Delete("gone");
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  const uint64_t before = AllocatedBytes(tmp_.File("backing"));
  const Result<TrimReport> report = engine_->TrimDevice();
  ASSERT_OK(report);
  EXPECT_EQ(report->slots, Info().slots.free);
  EXPECT_LE(AllocatedBytes(tmp_.File("backing")), before - 1000 * kSlot);
  EXPECT_EQ(Get("kept"), Slots(100, 1));
  Close();
  ExpectWhole();  // while the loop device is attached
  whole_at_the_end_ = false;
}

TEST_F(TrimTest, BlockDeviceIsNotPreallocated) {
  ASSERT_OK(CreateDeviceFile(tmp_.File("backing"), 8 * kMiB));
  Result<LoopDevice> loop = LoopDevice::Attach(tmp_.File("backing"));
  if (!loop.ok()) GTEST_SKIP() << loop.status().message();
  format_.device = loop->path();
  format_.preallocate = true;
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kInvalidArgument, loop->path(), "only a file");
  EXPECT_LT(AllocatedBytes(tmp_.File("backing")), kMiB);
  format_.preallocate = false;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Close();
  ExpectWhole();  // while the loop device is attached
  whole_at_the_end_ = false;
}

TEST_F(TrimTest, IsRefusedWithoutTheRightToWrite) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Close();
  open_.read_only = true;
  Open();
  EXPECT_STATUS(engine_->TrimDevice(), StatusCode::kFailedPrecondition, "for reading only");
  Close();
  open_.read_only = false;
}

TEST_F(TrimTest, ReportsProgressInBytes) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  std::vector<Progress> reports;
  ASSERT_OK(engine_->TrimDevice({.progress = [&](const Progress& p) {
    EXPECT_OK(engine_->Info());  // may call the engine
    reports.push_back(p);
  }}));
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.front().total, 64 * kSlot);
  EXPECT_LE(reports.back().done, 64 * kSlot);
  EXPECT_STREQ(reports.front().unit, "bytes");
}

// 64 slots. "large" has 20 of them, and each overwrite takes 20 more.
class FullDeviceOverwriteTest : public DeviceTest {
 protected:
  void FillWithHistory() {
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Put("other", Slots(20, 1));
    Put("large", Slots(20, 2));
    Put("large", Slots(20, 3));
    ASSERT_EQ(Info().slots.free, 4u);
  }
};

TEST_F(FullDeviceOverwriteTest, UsesTheSlotsOfHistoryThatNothingHolds) {
  open_.settings.keep_recent = 0;
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  for (uint64_t i = 4; i < 40; ++i) {
    ASSERT_EQ(Info().slots.available, 24u);
    ASSERT_OK(TryPut("large", Slots(20, i)));
    EXPECT_EQ(Get("large"), Slots(20, i));
    if (i % 4 == 0) ReopenKilled();
    ASSERT_NE(engine_, nullptr);
    EXPECT_EQ(Get("large"), Slots(20, i));
  }
  EXPECT_EQ(Get("other"), Slots(20, 1));
}

TEST_F(FullDeviceOverwriteTest, GivesUpHistoryThatTheSettingsWouldKeepAndReportsIt) {
  open_.settings.keep_for_seconds = 3600;
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  ASSERT_OK(TryPut("large", Slots(20, 4)));
  EXPECT_EQ(Get("large"), Slots(20, 4));
  EXPECT_EQ(engine_->stats().versions_given_up, 3u);
  EXPECT_NE(logger_.text().find("gave up the history of versions 0 to 2"), std::string::npos);
}

TEST_F(FullDeviceOverwriteTest, IsRefusedWhereAPinHoldsTheSlots) {
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  const Version tip = engine_->version();
  ASSERT_OK(engine_->Pin("kept", Version(2)));
  EXPECT_EQ(Info().slots.available, 4u);
  const CommitResult refused = TryPut("large", Slots(20, 4));
  EXPECT_STATUS(refused, StatusCode::kNoSpace, "before the value that it replaces");
  EXPECT_EQ(refused.outcome, CommitOutcome::kNotApplied);
  EXPECT_EQ(engine_->version(), tip);
  EXPECT_EQ(Get("large"), Slots(20, 3));
  EXPECT_EQ(Get("large", Version(2)), Slots(20, 2));
  ASSERT_OK(TryPut("small", Slots(4, 5)));
  ASSERT_OK(engine_->Unpin("kept"));
  EXPECT_OK(TryPut("large", Slots(20, 6)));
}

// The old value stays until the new version is durable, so a device without room for both refuses.
TEST_F(FullDeviceOverwriteTest, NeverDestroysTheOldValueForLackOfRoom) {
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  ASSERT_OK(TryPut("rest", Slots(20, 4)));  // gives the history up; 60 slots are live now
  ASSERT_EQ(Info().slots.available, 4u);
  EXPECT_STATUS(TryPut("large", Slots(20, 5)), StatusCode::kNoSpace);
  WriteBatch both;
  both.Delete("large");
  const std::string value = Slots(20, 5);
  both.Put("large", value);
  EXPECT_STATUS(engine_->Commit(both), StatusCode::kNoSpace);
  EXPECT_EQ(Get("large"), Slots(20, 3));
  ReopenKilled();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Get("large"), Slots(20, 3));
  // As the documentation advises.
  Delete("large");
  ASSERT_OK(TryPut("large", Slots(20, 5)));
  EXPECT_EQ(Get("large"), Slots(20, 5));
}

// Puts single slots until the device refuses, and compares their number with what `info` promised.
class AvailableSlotsTest : public FullDeviceOverwriteTest {
 protected:
  void ExpectTrue() {
    const SlotUse slots = Info().slots;
    const Result<EngineInfo> looked = InspectStore(dir_, open_);
    ASSERT_OK(looked);
    ASSERT_TRUE(looked->writer && looked->writer->status);
    uint64_t put = 0;
    CommitResult last;
    while ((last = TryPut("single" + std::to_string(put), OneSlot(put))).ok()) ++put;
    EXPECT_STATUS(last, StatusCode::kNoSpace);
    EXPECT_EQ(put, slots.available);
    EXPECT_EQ(Info().slots.available, 0u);
    // What another process sees was published at the open.
    EXPECT_EQ(looked->writer->status->slots_available, slots.available);
    EXPECT_EQ(looked->writer->status->slots_free, slots.free);
  }
  // Publishes STATUS again, with the pins and views of now.
  void Republish() {
    open_.status_interval_ms = 0;
    Reopen();
    ASSERT_NE(engine_, nullptr);
  }
};

TEST_F(AvailableSlotsTest, AreWhatPutsGetWhereOnlySettingsKeepHistory) {
  open_.settings.keep_for_seconds = 3600;
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  ASSERT_OK(engine_->CreateSnapshot());
  Delete("other");
  ASSERT_NO_FATAL_FAILURE(Republish());
  EXPECT_EQ(Info().slots.available, 44u);
  EXPECT_LT(Info().slots.free, 44u);
  ExpectTrue();
}

TEST_F(AvailableSlotsTest, AreWhatPutsGetWithAPin) {
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  ASSERT_OK(engine_->Pin("kept", Version(2)));
  Delete("other");
  ASSERT_OK(engine_->CreateSnapshot());
  Delete("large");
  ASSERT_NO_FATAL_FAILURE(Republish());
  EXPECT_EQ(Info().slots.available, 24u);  // the pin needs "other" and the first value of "large"
  ExpectTrue();
  EXPECT_EQ(Get("large", Version(2)), Slots(20, 2));
}

TEST_F(AvailableSlotsTest, AreWhatPutsGetWithAView) {
  ASSERT_NO_FATAL_FAILURE(FillWithHistory());
  ASSERT_NO_FATAL_FAILURE(Republish());
  const auto view = View();
  Delete("large");
  const SlotUse slots = Info().slots;
  EXPECT_EQ(slots.available, 24u);  // the view needs the second value of "large"
  uint64_t put = 0;
  while (TryPut("single" + std::to_string(put), OneSlot(put)).ok()) ++put;
  EXPECT_EQ(put, slots.available);
}

}  // namespace
}  // namespace rawkv
