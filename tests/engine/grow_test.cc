// Growing the device: a larger file or block device gives the store more slots, for good.

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/recovery/lost_identity.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/loop_device.h"

namespace rawkv {
namespace {

constexpr uint64_t kSlotBytes = 4096;
constexpr uint64_t kSuperblocksBytes = 2 * 4096;

constexpr uint64_t CapacityFor(uint64_t slots) {
  return (18 + slots) * kSlotBytes;  // superblocks and metadata region of a small device
}
std::string ValueOf(uint64_t slots, uint64_t seed) {
  return MakeValue({seed, slots * kSlotBytes});
}

// A store of 64 slots, of which 60 are live.
class GrowTest : public EngineTest {
 protected:
  GrowTest() {
    format_.capacity_bytes = CapacityFor(64);
    format_.inline_bytes = 0;
  }
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(FormatAndOpen());
    Put("a", ValueOf(30, 1));
    Put("b", ValueOf(30, 2));
  }
  CommitResult TryPut(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(key, value);
    return engine_->Commit(batch);
  }
  std::string Device() const { return Path("device.img"); }
  void ResizeDevice(uint64_t bytes) { std::filesystem::resize_file(Device(), bytes); }
  std::string ReadSuperblocks() {
    std::string bytes(kSuperblocksBytes, '\0');
    std::ifstream(Device(), std::ios::binary).read(bytes.data(), kSuperblocksBytes);
    return bytes;
  }
  void WriteSuperblocks(const std::string& bytes) {
    std::fstream file(Device(), std::ios::in | std::ios::out | std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // Opens the store, which has 96 slots and a value in the new ones, and closes it.
  void ExpectGrown() {
    ASSERT_NO_FATAL_FAILURE(Open());
    EXPECT_EQ(Info().slots.total, 96u);
    EXPECT_EQ(Get("c"), ValueOf(36, 3));
    Close();
  }
  void ExpectValues() {
    EXPECT_EQ(Get("a"), ValueOf(30, 1));
    EXPECT_EQ(Get("b"), ValueOf(30, 2));
  }
};

TEST_F(GrowTest, MakesTheFileLargerAndGivesTheSlotsAtOnce) {
  EXPECT_STATUS(TryPut("c", ValueOf(30, 3)), StatusCode::kNoSpace);
  const Result<GrowReport> grown = engine_->GrowDevice({.capacity_bytes = CapacityFor(96)});
  ASSERT_OK(grown);
  EXPECT_EQ(grown->capacity_before, CapacityFor(64));
  EXPECT_EQ(grown->capacity, CapacityFor(96));
  EXPECT_EQ(grown->slots_before, 64u);
  EXPECT_EQ(grown->slots, 96u);
  EXPECT_EQ(std::filesystem::file_size(Device()), CapacityFor(96));
  EngineInfo info = Info();
  EXPECT_EQ(info.capacity_bytes, CapacityFor(96));
  EXPECT_EQ(info.slots.total, 96u);
  EXPECT_EQ(info.slots.free, 36u);
  EXPECT_EQ(info.slots.available, 36u);
  ASSERT_OK(TryPut("c", ValueOf(30, 3)));
  ReopenKilled();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Info().slots.total, 96u);
  ExpectValues();
  EXPECT_EQ(Get("c"), ValueOf(30, 3));
}

TEST_F(GrowTest, UsesADeviceThatBecameLarger) {
  ResizeDevice(CapacityFor(80));  // while the store is open
  EXPECT_EQ(Info().slots.total, 64u);
  ASSERT_OK(engine_->GrowDevice());
  EXPECT_EQ(Info().slots.total, 80u);
  Close();
  ResizeDevice(CapacityFor(100) + 100);  // a rest smaller than a block is not used
  Open();
  EXPECT_EQ(Info().slots.total, 80u);
  const Result<GrowReport> grown = engine_->GrowDevice();
  ASSERT_OK(grown);
  EXPECT_EQ(grown->slots, 100u);
  const Result<GrowReport> again = engine_->GrowDevice();
  ASSERT_OK(again);
  EXPECT_EQ(again->slots_before, 100u);
  EXPECT_EQ(again->slots, 100u);
  ASSERT_OK(TryPut("c", ValueOf(40, 3)));
  ExpectValues();
}

TEST_F(GrowTest, RefusesSizesThatAreNotLarger) {
  EXPECT_STATUS(engine_->GrowDevice({.capacity_bytes = CapacityFor(63)}), StatusCode::kInvalidArgument,
                std::to_string(CapacityFor(64)), std::to_string(CapacityFor(63)));
  EXPECT_STATUS(engine_->GrowDevice({.capacity_bytes = CapacityFor(65) + 1}), StatusCode::kInvalidArgument);
  EXPECT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(64)}));
  EXPECT_EQ(Info().slots.total, 64u);
  EXPECT_EQ(std::filesystem::file_size(Device()), CapacityFor(64));
  Close();
  open_.read_only = true;
  Open();
  EXPECT_STATUS(engine_->GrowDevice(), StatusCode::kFailedPrecondition, "for reading only");
  Close();
  open_.read_only = false;
}

TEST_F(GrowTest, DeviceThatBecameSmallerIsRefusedWithBothSizes) {
  ResizeDevice(CapacityFor(62));
  EXPECT_STATUS(engine_->GrowDevice(), StatusCode::kFailedPrecondition, std::to_string(CapacityFor(62)),
                std::to_string(CapacityFor(64)));
  ResizeDevice(CapacityFor(64));
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(96)}));
  Close();
  ResizeDevice(CapacityFor(80));
  EXPECT_STATUS(Engine::Open(dir_, open_), StatusCode::kCorruption, std::to_string(CapacityFor(80)),
                std::to_string(CapacityFor(96)));
  ResizeDevice(CapacityFor(96));
  Open();
}

// A snapshot and the log know nothing of the device's size.
TEST_F(GrowTest, OldVersionsStayAndARollbackKeepsTheNewSlots) {
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(128)}));
  const Version before = engine_->version();
  Put("c", ValueOf(50, 3));
  Put("a", ValueOf(10, 4));
  EXPECT_EQ(Get("a", before), ValueOf(30, 1));
  Close();
  std::filesystem::remove_all(Path("working"));  // rebuilt from the snapshot made before, and the log
  Open();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Get("c"), ValueOf(50, 3));
  EXPECT_EQ(Get("a"), ValueOf(10, 4));
  ASSERT_OK(engine_->Rollback(before));
  ExpectValues();
  EXPECT_EQ(Info().slots.total, 128u);
  ASSERT_OK(TryPut("d", ValueOf(68, 5)));
  Close();
  ASSERT_OK(OfflineRollback(dir_, Version(1), {}, open_));
  Open();
  EXPECT_EQ(Info().slots.total, 128u);
  EXPECT_EQ(Get("a"), ValueOf(30, 1));
}

// A crash after STORE and before the superblocks.
TEST_F(GrowTest, OpenFinishesAGrowthThatOnlyStoreHas) {
  const std::string before = ReadSuperblocks();
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(96)}));
  ReopenKilled();
  Close();
  const std::string after = ReadSuperblocks();
  WriteSuperblocks(before);
  ExpectWhole();
  const Result<EngineInfo> looked = InspectStore(dir_, open_);
  ASSERT_OK(looked);
  EXPECT_EQ(looked->slots.total, 96u);
  // A device that is too small for what STORE has.
  ResizeDevice(CapacityFor(80));
  EXPECT_STATUS(Engine::Open(dir_, open_), StatusCode::kFailedPrecondition, std::to_string(CapacityFor(80)),
                std::to_string(CapacityFor(96)));
  ResizeDevice(CapacityFor(96));
  Open();
  ASSERT_NE(engine_, nullptr);
  EXPECT_EQ(Info().slots.total, 96u);
  ASSERT_OK(TryPut("c", ValueOf(36, 3)));
  Close();
  EXPECT_NE(ReadSuperblocks(), before);
  Open();
  EXPECT_EQ(Get("c"), ValueOf(36, 3));
}

// The superblock is ahead: STORE comes from a backup that was made before the growth, within the same open.
TEST_F(GrowTest, OpenKeepsAGrowthThatOnlyTheSuperblockHas) {
  namespace fs = std::filesystem;
  for (const char* name : {"STORE", "STORE-COPY"}) fs::copy_file(Path(name), tmp_.File(name));
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(96)}));
  ASSERT_OK(TryPut("c", ValueOf(36, 3)));
  const std::string copy = tmp_.File("killed");
  ASSERT_EQ(std::system(("cp -a --sparse=always '" + dir_ + "' '" + copy + "'").c_str()), 0);
  for (const char* name : {"STORE", "STORE-COPY"}) {
    fs::copy_file(tmp_.File(name), copy + "/" + name, fs::copy_options::overwrite_existing);
  }
  Close();
  const Result<std::unique_ptr<Engine>> opened = Engine::Open(copy, open_);
  ASSERT_OK(opened);
  EXPECT_EQ((*opened)->Info()->slots.total, 96u);
  const Result<Value> value = (*opened)->Get("c");
  ASSERT_OK(value);
  EXPECT_EQ(value->bytes, ValueOf(36, 3));
  ASSERT_OK((*opened)->Close());
}

TEST_F(GrowTest, EitherSideIsRestoredWithTheNewSize) {
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(96)}));
  ASSERT_OK(TryPut("c", ValueOf(36, 3)));
  Close();
  WriteSuperblocks(std::string(kSuperblocksBytes, '\0'));
  ASSERT_OK(RestoreIdentity(dir_, open_));
  ASSERT_NO_FATAL_FAILURE(ExpectGrown());
  std::filesystem::remove(Path("STORE"));
  std::filesystem::remove(Path("STORE-COPY"));
  OpenOptions named = open_;
  named.device = Device();
  ASSERT_OK(RestoreIdentity(dir_, named));
  ASSERT_NO_FATAL_FAILURE(ExpectGrown());
}

TEST_F(GrowTest, ReaderAlongsideFollows) {
  OpenOptions reading = open_;
  reading.read_only = true;
  Result<std::unique_ptr<Engine>> reader = Engine::Open(dir_, reading);
  ASSERT_OK(reader);
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(96)}));
  ASSERT_OK(TryPut("c", ValueOf(36, 3)));
  EXPECT_STATUS((*reader)->Get("c"), StatusCode::kNotFound);
  ASSERT_OK((*reader)->Refresh());
  const Result<Value> value = (*reader)->Get("c");
  ASSERT_OK(value);
  EXPECT_EQ(value->bytes, ValueOf(36, 3));
  EXPECT_EQ((*reader)->Info()->slots.total, 96u);
  ASSERT_OK((*reader)->Close());
  const Result<EngineInfo> looked = InspectStore(dir_, open_);
  ASSERT_OK(looked);
  EXPECT_EQ(looked->capacity_bytes, CapacityFor(96));
  EXPECT_EQ(looked->slots.total, 96u);
}

TEST_F(GrowTest, CommitsAndReadsContinue) {
  std::atomic<bool> done = false;
  Status failed;
  std::thread writer([&] {
    for (uint64_t i = 0; !done && failed.ok(); ++i) {
      WriteBatch batch;
      const std::string value = ValueOf(2, i);
      batch.Put("w", value);
      failed = engine_->Commit(batch).status;
      if (failed.ok()) {
        const Result<Value> read = engine_->Get("w");
        failed = !read.ok()             ? read.status()
                 : read->bytes == value ? Status()
                                        : Status::Internal("another value");
      }
    }
  });
  for (uint64_t slots = 65; slots <= 128; ++slots) {
    const Result<GrowReport> grown = engine_->GrowDevice({.capacity_bytes = CapacityFor(slots)});
    EXPECT_OK(grown);
  }
  done = true;
  writer.join();
  EXPECT_OK(failed);
  EXPECT_EQ(Info().slots.total, 128u);
  ExpectValues();
}

TEST_F(GrowTest, CrossesAPageOfTheAllocation) {
  ASSERT_OK(engine_->GrowDevice({.capacity_bytes = CapacityFor(5000)}));
  Put("c", ValueOf(4500, 3));
  Put("d", ValueOf(400, 4));
  EXPECT_EQ(Info().slots.free, 40u);
  ASSERT_OK(engine_->TrimDevice());
  Reopen();
  EXPECT_EQ(Get("c"), ValueOf(4500, 3));
  EXPECT_EQ(Get("d"), ValueOf(400, 4));
}

TEST(GrowBlockDeviceTest, UsesWhatTheBlockDeviceGot) {
  const TempDir tmp;
  const std::string backing = tmp.File("backing");
  ASSERT_OK(CreateDeviceFile(backing, 4 * kMiB));
  Result<LoopDevice> loop = LoopDevice::Attach(backing);
  if (!loop.ok()) GTEST_SKIP() << loop.status().message();
  ASSERT_OK(Engine::Format(tmp.File("store"), {.device = loop->path()}));
  Result<std::unique_ptr<Engine>> engine = Engine::Open(tmp.File("store"));
  ASSERT_OK(engine);
  const uint64_t before = (*engine)->Info()->slots.total;
  EXPECT_STATUS((*engine)->GrowDevice({.capacity_bytes = 8 * kMiB}), StatusCode::kNotSupported, "own tools");
  std::filesystem::resize_file(backing, 8 * kMiB);
  ASSERT_EQ(std::system(("losetup -c " + loop->path()).c_str()), 0);
  const Result<GrowReport> grown = (*engine)->GrowDevice();
  ASSERT_OK(grown);
  EXPECT_EQ(grown->slots, before + 1024);
  EXPECT_EQ((*engine)->Info()->slots.total, before + 1024);
  ASSERT_OK((*engine)->Close());
}

}  // namespace
}  // namespace rawkv
