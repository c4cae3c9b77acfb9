// Checkpoints of the index on the device, and the rebuild of a store from the device alone.

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "blockdev/checkpoint_region.h"
#include "engine/admin/inspect.h"
#include "engine/checkpoint/checkpoint_schedule.h"
#include "engine/checkpoint/rebuild.h"
#include "engine/control/running_store.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/device_seam.h"
#include "tests/support/flip_byte.h"

namespace rawkv {
namespace {

using Content = std::map<std::string, std::string>;

constexpr uint64_t kSlotBytes = 4096;
constexpr uint64_t kRegionBytes = 64 * kKiB;
constexpr uint64_t kRegionOffset = 2 * kSlotBytes;  // after the superblocks
constexpr uint64_t kHalfBytes = kRegionBytes / 2;

// A store of 64 slots on a device outside of its directory.
class CheckpointTest : public EngineTest {
 protected:
  CheckpointTest() {
    format_.device = device_;
    format_.capacity_bytes = kRegionOffset + kRegionBytes + 64 * kSlotBytes;
    format_.meta_total_bytes = kRegionBytes;
    format_.inline_bytes = 64;
    open_.checkpoint_interval_ms = 0;
  }

  Content Read() {
    Content content;
    const Result<std::unique_ptr<Iterator>> walk = engine_->NewIterator();
    EXPECT_OK(walk);
    for ((*walk)->SeekToFirst(); (*walk)->Valid(); (*walk)->Next()) {
      const Result<std::string> value = (*walk)->ReadValue();
      EXPECT_OK(value);
      content[std::string((*walk)->key())] = value.ok() ? *value : "";
    }
    return content;
  }
  void Checkpoint() {
    const Result<Version> written = engine_->WriteCheckpoint();
    ASSERT_OK(written);
    EXPECT_EQ(*written, engine_->version());
  }
  // The device as a power cut at this moment would leave it, with everything that was written.
  void CopyDevice() {
    lost_ = tmp_.File("lost" + std::to_string(++copies_));
    std::filesystem::copy_file(device_, lost_);
  }
  Result<RebuildReport> Rebuild(bool verify = true) {
    rebuilt_ = tmp_.File("rebuilt" + std::to_string(++rebuilds_));
    return RebuildStore(rebuilt_, {.device = lost_, .verify_payload = verify, .env = open_.env});
  }
  // Rebuilds from the copy and expects exactly this content; closes the present store.
  void ExpectRebuilt(Version version, const Content& content) {
    const Result<RebuildReport> report = Rebuild();
    ASSERT_OK(report);
    EXPECT_EQ(report->version, version);
    EXPECT_EQ(report->keys, content.size());
    EXPECT_TRUE(report->damaged.empty());
    ExpectContent(version, content);
  }
  void ExpectContent(Version version, const Content& content) {
    OpenOptions options = open_;
    options.device = lost_;
    const Result<CheckReport> check = CheckStore(rebuilt_, {.deep = true}, options);
    ASSERT_OK(check);
    for (const Finding& finding : check->findings) ADD_FAILURE() << finding.where << ": " << finding.message;
    if (engine_ != nullptr) Close();
    Result<std::unique_ptr<Engine>> opened = Engine::Open(rebuilt_, options);
    ASSERT_OK(opened);
    engine_ = *std::move(opened);
    EXPECT_EQ(engine_->version(), version);
    EXPECT_TRUE(Read() == content) << "the values of version " << version.value() << " differ";
    dir_ = rebuilt_;
    device_ = open_.device = lost_;
  }

  std::string device_ = tmp_.File("device");
  std::string lost_ = device_;  // what Rebuild uses
  std::string rebuilt_;
  int copies_ = 0, rebuilds_ = 0;
};

TEST_F(CheckpointTest, RebuildHasExactlyTheVersionOfTheCheckpoint) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("inline", "small");
  Put("one slot", OneSlot(1));
  Put("many slots", MakeValue({2, 5 * kSlotBytes + 17}));
  Put("gone", OneSlot(3));
  Delete("gone");
  Put("empty", "");
  const Version version = engine_->version();
  const Content content = Read();
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  Put("later", OneSlot(4));
  Put("one slot", OneSlot(5));
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(version, content));
  EXPECT_EQ(Put("after the rebuild", OneSlot(6)), Next(version));
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Get("after the rebuild"), OneSlot(6));
}

TEST_F(CheckpointTest, CloseWritesOne) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  const Version version = engine_->version();
  const Content content = Read();
  Close();
  std::filesystem::rename(dir_, tmp_.File("gone"));
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(version, content));
}

TEST_F(CheckpointTest, EmptyStoreCanBeRebuilt) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Close();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(0), {}));
}

TEST_F(CheckpointTest, SlotsThatItNamesAreNotReused) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), OneSlot(static_cast<uint64_t>(i)));
  const Version version = engine_->version();
  const Content content = Read();
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  // Each round writes more slots than are free, so a slot that nothing holds is reused.
  for (uint64_t round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) Put("key" + std::to_string(i), OneSlot(100 * round + 7));
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  }
  EXPECT_EQ(PinnedBy("checkpoint", "A") + PinnedBy("checkpoint", "B"), 10u);
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(version, content));
}

TEST_F(CheckpointTest, FullDeviceRenewsTheCheckpointForASpaceRequest) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("a", MakeValue({1, 30 * kSlotBytes}));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  Put("a", MakeValue({2, 30 * kSlotBytes}));
  // Only the checkpoint holds the first value, then the second.
  Put("a", MakeValue({3, 30 * kSlotBytes}));
  Put("a", MakeValue({4, 30 * kSlotBytes}));
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(3), {{"a", MakeValue({3, 30 * kSlotBytes})}}));
}

TEST_F(CheckpointTest, ReopenedStoreStillHoldsTheSlots) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  const Content content = Read();
  Close();  // writes the checkpoint
  ASSERT_NO_FATAL_FAILURE(Open());
  Put("key", OneSlot(2));
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  for (uint64_t i = 0; i < 100; ++i) Put("other", OneSlot(i));
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(1), content));
}

TEST_F(CheckpointTest, RollbackBelowItErasesIt) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  Put("key", OneSlot(2));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  ASSERT_OK(engine_->Rollback(Version(1)));
  EXPECT_EQ(Info().checkpoint->version, Version(1));
  CopyDevice();
  ASSERT_OK(engine_->Rollback(Version(0)));
  EXPECT_EQ(Info().checkpoint->version, std::nullopt);
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(1), {{"key", OneSlot(1)}}));
}

TEST_F(CheckpointTest, IndexThatDoesNotFitIsReportedAndNothingElseStops) {
  format_.inline_bytes = 1024;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("first", "value");
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  for (int i = 0; i < 64; ++i) Put("key" + std::to_string(i), std::string(1000, 'v'));
  EXPECT_STATUS(engine_->WriteCheckpoint(), StatusCode::kNoSpace);
  const EngineInfo info = Info();
  ASSERT_TRUE(info.checkpoint.has_value());
  EXPECT_EQ(info.checkpoint->version, Version(1)) << "the older one stays";
  EXPECT_NE(info.checkpoint->error, "");
  EXPECT_EQ(info.health, "ok");
  EXPECT_EQ(engine_->stats().checkpoints_failed, 1u);
  EXPECT_TRUE(logger_.Warned("no new checkpoint"));
  Put("last", "value");
  // A full device gives the checkpoint up rather than refuse a commit.
  Put("a", MakeValue({1, 30 * kSlotBytes}));
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_EQ(Get("last"), "value");
}

TEST_F(CheckpointTest, ReasonIsNamedForEachHalfThatCannotBeUsed) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", "value");
  CopyDevice();
  Result<RebuildReport> none = Rebuild();
  EXPECT_STATUS(none, StatusCode::kFailedPrecondition);
  EXPECT_NE(none.status().message().find("no whole checkpoint"), std::string::npos)
      << none.status().ToString();
  EXPECT_FALSE(std::filesystem::exists(rebuilt_)) << "a refusal makes nothing";
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  CopyDevice();
  FlipByte(lost_, kRegionOffset + kSlotBytes + 30);
  none = Rebuild();
  EXPECT_STATUS(none, StatusCode::kFailedPrecondition);
  EXPECT_NE(none.status().message().find("checkpoint A of"), std::string::npos) << none.status().ToString();
  EXPECT_NE(none.status().message().find("checkpoint B of"), std::string::npos) << none.status().ToString();
}

TEST_F(CheckpointTest, DamagedNewerHalfIsListedAndTheOlderOneIsExact) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  Put("key", OneSlot(2));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  for (uint64_t i = 3; i < 200; ++i) Put("key", OneSlot(i));
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  for (uint64_t i = 0; i < 100; ++i) Put("other", OneSlot(i));
  // Each part of header and content, in steps that meet every field.
  for (uint64_t at = 0; at < 2 * kSlotBytes; at += at < 256 || at - kSlotBytes < 256 ? 5 : 509) {
    SCOPED_TRACE(at);
    CopyDevice();
    FlipByte(lost_, kRegionOffset + kHalfBytes + at);
    const Result<RebuildReport> report = Rebuild();
    ASSERT_OK(report);
    EXPECT_EQ(report->version, Version(1));
    EXPECT_TRUE(report->damaged.empty());
    // A half without its magic looks as if it was never written.
    if (at >= 8) EXPECT_EQ(report->refused.size(), 1u);
    std::filesystem::remove_all(rebuilt_);
    std::filesystem::remove(lost_);
  }
  CopyDevice();
  FlipByte(lost_, kRegionOffset + kHalfBytes + 100);
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(1), {{"key", OneSlot(1)}}));
}

TEST_F(CheckpointTest, DirectoryThatHoldsSomethingIsRefused) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Close();
  const Result<RebuildReport> refused = RebuildStore(dir_, {.device = device_, .env = open_.env});
  EXPECT_STATUS(refused, StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("holds a store already"), std::string::npos);
  const std::string other = tmp_.File("other");
  std::filesystem::create_directory(other);
  std::filesystem::create_directory(other + "/something");
  EXPECT_STATUS(RebuildStore(other, {.device = device_, .env = open_.env}), StatusCode::kFailedPrecondition);
  EXPECT_STATUS(RebuildStore(tmp_.File("new"), {.device = "", .env = open_.env}),
                StatusCode::kInvalidArgument);
  EXPECT_STATUS(RebuildStore(tmp_.File("new"), {.device = tmp_.File("absent"), .env = open_.env}),
                StatusCode::kNotFound);
}

TEST_F(CheckpointTest, OnlyTheSameRebuildTakesAnUnfinishedOne) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  const std::string own = Info().store_uuid.ToString();
  Close();
  const std::string dir = tmp_.File("unfinished");
  const auto leave = [&](const std::string& uuid) {
    std::filesystem::create_directory(dir);
    std::ofstream(dir + "/REBUILDING") << "store " << uuid << "\n";
    std::filesystem::create_directory(dir + "/rebuild.tmp");
  };
  leave("00000000-0000-4000-8000-000000000001");
  const Status opened = Engine::Open(dir, open_).status();
  EXPECT_STATUS(opened, StatusCode::kNotFound);
  EXPECT_NE(opened.message().find("rebuild that was not finished"), std::string::npos) << opened.ToString();
  FormatOptions other = format_;
  other.device = tmp_.File("another device");
  EXPECT_STATUS(Engine::Format(dir, other), StatusCode::kFailedPrecondition);
  const Result<RebuildReport> refused = RebuildStore(dir, {.device = device_, .env = open_.env});
  EXPECT_STATUS(refused, StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("unfinished rebuild of store"), std::string::npos);
  leave(own);
  EXPECT_OK(RebuildStore(dir, {.device = device_, .env = open_.env}));
  dir_ = dir;
}

TEST_F(CheckpointTest, DirectoryFromBeforeTheRebuildIsRefused) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  Close();
  ASSERT_OK(Rebuild());
  EXPECT_STATUS(Engine::Open(dir_, open_).status(), StatusCode::kFailedPrecondition);
  dir_ = rebuilt_;
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(Get("key"), OneSlot(1));
}

TEST_F(CheckpointTest, DamagedPayloadIsListedAndTheKeyStays) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("bad", OneSlot(1));
  Put("good", OneSlot(2));
  Close();
  FlipByte(device_, kRegionOffset + kRegionBytes + 100);  // slot 0
  const Result<RebuildReport> report = Rebuild();
  ASSERT_OK(report);
  ASSERT_EQ(report->damaged.size(), 1u);
  EXPECT_EQ(report->damaged[0].key, "bad");
  dir_ = rebuilt_;
  ASSERT_NO_FATAL_FAILURE(Open());
  EXPECT_EQ(Get("good"), OneSlot(2));
  EXPECT_STATUS(engine_->Get("bad").status(), StatusCode::kCorruption);
  whole_at_the_end_ = false;
}

TEST_F(CheckpointTest, StoreWithoutARegionMakesNone) {
  format_.meta_total_bytes = 0;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  EXPECT_STATUS(engine_->WriteCheckpoint(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Info().checkpoint.has_value());
  Close();
  EXPECT_STATUS(Rebuild(), StatusCode::kFailedPrecondition);
}

TEST_F(CheckpointTest, RegionIsAMultipleOfTwoBlocks) {
  format_.meta_total_bytes = kRegionBytes + kSlotBytes;
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kInvalidArgument);
  format_.meta_total_bytes = kRegionBytes / 2;
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kInvalidArgument);
}

TEST_F(CheckpointTest, RebuiltStoreCanBeRebuiltAgain) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  Content content = Read();
  Close();
  for (uint64_t round = 2; round < 5; ++round) {
    ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(round - 1), content));
    Put("key", OneSlot(round));
    content = Read();
    Close();
    std::filesystem::remove_all(dir_);
  }
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(4), content));
}

// Stops each write to the metadata region until it is let through.
class RegionGate {
 public:
  Environment EnvironmentWith(Environment env) {
    env.open_device = [this](const std::string& path,
                             const DeviceOpenOptions& options) -> Result<OpenedDevice> {
      RAWKV_ASSIGN_OR_RETURN(OpenedDevice opened, OpenBlockDevice(path, options));
      opened.device = std::make_unique<DeviceSeam>(
          std::move(opened.device), [this](const IoRequest& request) -> std::optional<Status> {
            const uint64_t at = request.offset.value();
            if (request.kind == IoKind::kWrite && at >= kRegionOffset && at < kRegionOffset + kRegionBytes)
              Wait();
            return std::nullopt;
          });
      return opened;
    };
    return env;
  }
  void Shut() { Set(true); }
  void Open() { Set(false); }
  void AwaitArrival() {
    MutexLock lock(mu_);
    while (waiting_ == 0) changed_.Wait(mu_);
  }

 private:
  void Set(bool shut) {
    MutexLock lock(mu_);
    shut_ = shut;
    changed_.NotifyAll();
  }
  void Wait() {
    MutexLock lock(mu_);
    ++waiting_;
    changed_.NotifyAll();
    while (shut_) changed_.Wait(mu_);
    --waiting_;
  }

  Mutex mu_;
  CondVar changed_;
  bool shut_ RAWKV_GUARDED_BY(mu_) = false;
  int waiting_ RAWKV_GUARDED_BY(mu_) = 0;
};

class GatedCheckpointTest : public CheckpointTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Format());
    open_.env = gate_.EnvironmentWith(open_.env);
    ASSERT_NO_FATAL_FAILURE(Open());
    Put("key", OneSlot(1));
  }
  RegionGate gate_;
};

TEST_F(GatedCheckpointTest, EverythingElseRunsWhileOneIsWritten) {
  gate_.Shut();
  Result<Version> written = Version();
  std::thread writer([&] { written = engine_->WriteCheckpoint(); });
  gate_.AwaitArrival();
  const Content content = {{"key", OneSlot(1)}};
  // Nobody opens the gate, so each of these would hang if it waited for the checkpoint.
  for (uint64_t i = 2; i < 30; ++i) Put("key", OneSlot(i));
  EXPECT_OK(engine_->Sync());
  EXPECT_OK(engine_->CreateSnapshot());
  EXPECT_OK(engine_->Prune(0));
  EXPECT_EQ(Get("key"), OneSlot(29));
  EXPECT_EQ(Info().version, Version(29));
  for (uint64_t i = 2; i < 20; ++i) Put("other", OneSlot(i));
  gate_.Open();
  writer.join();
  ASSERT_OK(written);
  EXPECT_EQ(*written, Version(1));
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(1), content));
}

TEST_F(GatedCheckpointTest, RollbackEndsTheOneThatIsWritten) {
  Put("key", OneSlot(2));
  gate_.Shut();
  Result<Version> written = Version();
  std::thread writer([&] { written = engine_->WriteCheckpoint(); });
  gate_.AwaitArrival();
  Status rolled_back;
  std::thread rollback([&] { rolled_back = engine_->Rollback(Version(1)); });
  gate_.Open();
  writer.join();
  rollback.join();
  EXPECT_OK(rolled_back);
  // It was done before the rollback came, or the rollback has ended it.
  if (!written.ok()) EXPECT_STATUS(written, StatusCode::kBusy);
  EXPECT_EQ(engine_->version(), Version(1));
  EXPECT_EQ(Info().checkpoint->version, std::nullopt) << "none of the branch that was left";
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
}

TEST_F(GatedCheckpointTest, TwoCallsWriteOne) {
  gate_.Shut();
  Result<Version> first = Version(), second = Version();
  std::thread one([&] { first = engine_->WriteCheckpoint(); });
  gate_.AwaitArrival();
  std::thread two([&] { second = engine_->WriteCheckpoint(); });
  gate_.Open();
  one.join();
  two.join();
  EXPECT_OK(first);
  EXPECT_OK(second);
  EXPECT_EQ(engine_->stats().checkpoints_written, 1u);
}

TEST_F(CheckpointTest, ScheduleWritesThem) {
  open_.checkpoint_interval_ms = 1;
  open_.checkpoint_max_age_ms = 1;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  for (uint64_t i = 0; i < 3; ++i) {
    const Version version = Put("key", OneSlot(i));
    while (Info().checkpoint->version != version) std::this_thread::yield();  // the test's timeout ends it
  }
  EXPECT_GE(engine_->stats().checkpoints_written, 3u);
}

TEST_F(CheckpointTest, UnsyncedVersionIsDurableBeforeItsCheckpoint) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  const Version version = Put("key", OneSlot(1));
  EXPECT_LT(engine_->durable_version(), version);
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  EXPECT_EQ(engine_->durable_version(), version);
}

TEST_F(CheckpointTest, RunningStoreWritesOneOnRequest) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  const Version version = Put("key", OneSlot(1));
  Result<RunningStore> running = RunningStore::Find(dir_);
  ASSERT_OK(running);
  const Result<Version> written = running->WriteCheckpoint();
  ASSERT_OK(written);
  EXPECT_EQ(*written, version);
  EXPECT_EQ(Info().checkpoint->version, version);
}

TEST_F(CheckpointTest, ReaderInAnotherEngineSeesANewerOne) {
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Put("key", OneSlot(1));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  OpenOptions options = open_;
  options.read_only = true;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, Engine::Open(dir_, options));
  ASSERT_OK_AND_ASSIGN(const EngineInfo before, reader->Info());
  EXPECT_EQ(before.checkpoint->version, Version(1));
  EXPECT_STATUS(reader->WriteCheckpoint(), StatusCode::kFailedPrecondition);
  Put("key", OneSlot(2));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  EXPECT_OK(reader->Refresh());
  ASSERT_OK_AND_ASSIGN(const EngineInfo after, reader->Info());
  EXPECT_EQ(after.checkpoint->version, Version(2));
  EXPECT_OK(reader->Close());
}

// More content than one block, with keys and values at their bounds.
TEST_F(CheckpointTest, ManyBlocksAreRebuilt) {
  format_.capacity_bytes = 32 * kMiB;
  format_.meta_total_bytes = 16 * kMiB;
  format_.inline_bytes = 64 * kKiB;
  ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
  Content content;
  for (int i = 0; i < 20; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    content[std::string(64 * kKiB - 1, 'k') + static_cast<char>('a' + i)] =
        MakeValue({seed, 64 * kKiB - seed});
    content["small" + std::to_string(i)] = std::string(seed, 's');
  }
  WriteBatch batch;
  for (const auto& [key, value] : content) batch.Put(key, value);
  ASSERT_OK(engine_->Commit(batch));
  ASSERT_NO_FATAL_FAILURE(Checkpoint());
  EXPECT_GT(Info().checkpoint->bytes, 2 * CheckpointRegion::kBlockBytes);
  CopyDevice();
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(Version(1), content));
}

TEST(CheckpointSchedule, WaitsForAQuietMomentButNotBeyondTheMaximumAge) {
  CheckpointSchedule schedule({.interval_ms = 100, .max_age_ms = 1000}, 0);
  const auto ask = [&](uint64_t tip, uint64_t now_ms) {
    return schedule.IsDue({.tip = Version(tip), .checkpoint = Version(1), .now_ms = now_ms});
  };
  EXPECT_FALSE(ask(1, 500)) << "the checkpoint is of the tip";
  EXPECT_FALSE(ask(2, 510)) << "a version was just made";
  EXPECT_FALSE(ask(3, 520));
  EXPECT_TRUE(ask(3, 530)) << "quiet, and older than the interval";
  schedule.Note(CheckpointSchedule::Outcome::kWritten, 530);
  EXPECT_FALSE(ask(3, 540)) << "quiet, but the interval has not passed";
  uint64_t tip = 4;
  for (uint64_t now = 550; now < 1530; now += 10) EXPECT_FALSE(ask(tip++, now)) << now;
  EXPECT_TRUE(ask(tip, 1530)) << "never quiet, and older than the maximum age";
}

TEST(CheckpointSchedule, IsDueAtOnceWithoutAnyAndRestsAfterAFailure) {
  CheckpointSchedule schedule({.interval_ms = 100, .max_age_ms = 1000}, 50);
  const auto ask = [&](uint64_t now_ms) {
    return schedule.IsDue({.tip = Version(1), .checkpoint = {}, .now_ms = now_ms});
  };
  EXPECT_TRUE(ask(51));
  schedule.Note(CheckpointSchedule::Outcome::kFailed, 60);
  EXPECT_FALSE(ask(1059));
  EXPECT_TRUE(ask(1060));
  EXPECT_FALSE(ask(5)) << "the clock was set back";
  EXPECT_TRUE(ask(1005));
}

}  // namespace
}  // namespace rawkv
