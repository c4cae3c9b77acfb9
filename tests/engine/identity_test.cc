// A UUID identifies a store, not its path (invariant 14). The tests show which device and which copy of STORE
// an open accepts, and what a format may overwrite.

#include <filesystem>
#include <fstream>

#include "base/fs_ops.h"
#include "blockdev/open_block_device.h"
#include "blockdev/superblock.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/store/store_file.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/device_seam.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

std::optional<Status> RefuseSuperblockWrites(const IoRequest& r) {
  if (r.kind == IoKind::kRead || r.offset.value() >= 2 * kSuperblockBytes) return std::nullopt;
  return Status::IoError("write of a superblock: injected");
}

class IdentityTest : public EngineTest {
 protected:
  // The device lies outside the store, so that a test can move and exchange it.
  IdentityTest() { format_.device = device_; }
  Status TryOpen() { return Engine::Open(dir_, open_).status(); }
  // Copies the metadata directory without the device.
  void CopyMetadata(const std::string& from, const std::string& to) {
    ASSERT_EQ(std::system(("cp -a '" + from + "' '" + to + "'").c_str()), 0);
  }
  std::string ReadSuperblocks() const {
    std::ifstream file(device_, std::ios::binary);
    std::string out(8192, '\0');
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    return out;
  }

  std::string device_ = tmp_.File("device");
};

TEST_F(IdentityTest, NewDevicePathIsUsedAndRemembered) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  const std::string moved = tmp_.File("moved");
  fs::rename(device_, moved);
  EXPECT_STATUS(TryOpen(), StatusCode::kNotFound, device_);
  open_.device = moved;
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
  Close();
  open_.device.clear();
  Open();
  EXPECT_EQ(Info().device_path, moved);
  EXPECT_EQ(Get("k"), OneSlot(1));
}

TEST_F(IdentityTest, DeviceOfAnotherStoreIsRefused) {
  FormatAndOpen();
  Put("k", "v");
  Close();
  const std::string other = tmp_.File("other");
  FormatOptions format = format_;
  format.device = tmp_.File("other.device");
  ASSERT_OK(Engine::Format(other, format));
  open_.device = format.device;
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, format.device);
  open_.device.clear();
  Open();
  EXPECT_EQ(Get("k"), "v");
}

// The device was restored from a backup: it lacks the values that were written since.
TEST_F(IdentityTest, DeviceOlderThanStoreIsRefused) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  Close();
  const std::string old = tmp_.File("device.old"), newest = tmp_.File("device.newest");
  fs::copy_file(device_, old);
  for (uint64_t i = 0; i < 2; ++i) {
    Open();
    Put("b", OneSlot(2 + i));
    Close();
  }
  fs::rename(device_, newest);
  fs::copy_file(old, device_);
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, device_, "older", "generation");
  OpenOptions reading = open_;
  reading.read_only = true;
  EXPECT_STATUS(Engine::Open(dir_, reading), StatusCode::kFailedPrecondition, device_);
  EXPECT_STATUS(CheckStore(dir_, {}, open_), StatusCode::kFailedPrecondition, device_);
  EXPECT_STATUS(RepairStore(dir_, {}, open_), StatusCode::kFailedPrecondition, device_);
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, InspectStore(dir_, open_));
  EXPECT_NE(info.health.find("older"), std::string::npos) << info.health;

  fs::rename(newest, device_);
  Open();
  EXPECT_EQ(Get("b"), OneSlot(3));
}

// An open may fail between its writes of STORE and of the superblock. However often this happens, the device
// is at most one generation older than STORE.
TEST_F(IdentityTest, FailedSuperblockWritesRaiseTheGenerationOnlyOnce) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  Close();
  const auto open_device = open_.env.open_device;
  open_.env.open_device = [&](const std::string& path, const DeviceOpenOptions& options) {
    Result<OpenedDevice> opened = open_device(path, options);
    if (opened.ok()) {
      opened->device = std::make_unique<DeviceSeam>(std::move(opened->device), RefuseSuperblockWrites);
    }
    return opened;
  };
  const uint64_t before = LoadStoreRecord(PosixFs(), dir_)->open_generation;
  for (int i = 0; i < 5; ++i) EXPECT_STATUS(TryOpen(), StatusCode::kIoError, "injected");
  EXPECT_EQ(LoadStoreRecord(PosixFs(), dir_)->open_generation, before + 1);
  open_.env.open_device = open_device;
  Open();
  EXPECT_EQ(Get("a"), OneSlot(1));
  Close();
  EXPECT_EQ(LoadStoreRecord(PosixFs(), dir_)->open_generation, before + 1);
  Open();
  EXPECT_EQ(Get("a"), OneSlot(1));
}

// From the 2^24th open on, write ids repeat. The check distinguishes payloads with equal write ids by their
// place.
TEST_F(IdentityTest, DamagedPayloadWithARepeatedWriteIdIsFound) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  Close();
  const auto set_generation = [&](uint64_t generation) {
    StoreRecord record = *LoadStoreRecord(PosixFs(), dir_);
    record.open_generation = generation;
    ASSERT_OK(SaveStoreRecord(PosixFs(), dir_, record));
    Result<OpenedDevice> opened = open_.env.open_device(device_, {.writable = true});
    ASSERT_OK(opened);
    SuperblockStore superblocks(*opened->device);
    Superblock superblock = *superblocks.Load();
    superblock.owner_open_generation = generation;
    ASSERT_OK(superblocks.Save(superblock));
  };
  const uint64_t first = LoadStoreRecord(PosixFs(), dir_)->open_generation;
  set_generation((uint64_t{1} << 24) + first - 1);
  Open();
  EXPECT_TRUE(logger_.Warned("write ids repeat"));
  Put("b", OneSlot(2));
  ASSERT_OK(engine_->CreateSnapshot());
  Delete("b");
  Close();
  ExpectWhole();
  std::string bytes(fs::file_size(device_), '\0');
  {
    std::ifstream in(device_, std::ios::binary);
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  const size_t at = bytes.find(OneSlot(2).substr(0, 64));
  ASSERT_NE(at, std::string::npos);
  {
    std::fstream out(device_, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(at));
    out.write("DAMAGED", 7);
  }
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir_, {.deep = true}, open_));
  EXPECT_FALSE(report.ok()) << "b has the write id of a, and the check skipped it";
  Open();
  ASSERT_OK_AND_ASSIGN(const ScrubReport scrub, engine_->Scrub());
  EXPECT_GT(scrub.findings_total, 0u);
  whole_at_the_end_ = false;
}

TEST_F(IdentityTest, DeviceWithoutASuperblockIsRefused) {
  Format();
  const std::string blank = tmp_.File("blank");
  ASSERT_OK(CreateDeviceFile(blank, 32 * kMiB));
  open_.device = blank;
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, blank);
  open_.device.clear();
}

TEST_F(IdentityTest, CopyOfTheStoreCannotOpenTheDeviceWhileTheOriginalHasIt) {
  FormatAndOpen();
  CopyMetadata(dir_, tmp_.File("copy"));
  EXPECT_STATUS(Engine::Open(tmp_.File("copy"), open_), StatusCode::kBusy, device_);
}

TEST_F(IdentityTest, BackupFromBeforeALaterOpenIsRefused) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  CopyMetadata(dir_, tmp_.File("backup"));
  Open();
  Put("k", OneSlot(2));
  Close();
  const std::string device_before = ReadSuperblocks();
  fs::rename(dir_, tmp_.File("newest"));
  fs::rename(tmp_.File("backup"), dir_);
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, dir_, "backup");
  EXPECT_STATUS(OfflineRollback(dir_, Version(0), {}, open_), StatusCode::kFailedPrecondition, "backup");
  EXPECT_EQ(ReadSuperblocks(), device_before);
  // InspectStore reports the reason instead of failing.
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, InspectStore(dir_, open_));
  EXPECT_NE(info.health.find("backup"), std::string::npos) << info.health;

  fs::remove_all(dir_);
  fs::rename(tmp_.File("newest"), dir_);
  Open();
  EXPECT_EQ(Get("k"), OneSlot(2));
}

TEST_F(IdentityTest, BackupFromBeforeARollbackIsRefused) {
  FormatAndOpen();
  Overwrite("k", 4);
  Close();
  CopyMetadata(dir_, tmp_.File("backup"));
  ASSERT_OK(OfflineRollback(dir_, Version(2), {}, open_));
  fs::rename(dir_, tmp_.File("newest"));
  fs::rename(tmp_.File("backup"), dir_);
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, "backup");
  fs::remove_all(dir_);
  fs::rename(tmp_.File("newest"), dir_);
  Open();
  EXPECT_EQ(engine_->version(), Version(2));
}

TEST_F(IdentityTest, BackupOfStoreAndDeviceTogetherOpens) {
  FormatAndOpen();
  Overwrite("k", 4);
  Close();
  CopyMetadata(dir_, tmp_.File("backup"));
  fs::copy_file(device_, tmp_.File("device.backup"));
  Open();
  Overwrite("k", 4);
  Close();
  fs::remove_all(dir_);
  fs::rename(tmp_.File("backup"), dir_);
  fs::rename(tmp_.File("device.backup"), device_);
  Open();
  EXPECT_EQ(engine_->version(), Version(4));
  EXPECT_EQ(Get("k"), OneSlot(4));
}

TEST_F(IdentityTest, LostSuperblockCopyIsReportedAndTheStoreStillOpens) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  std::fstream file(device_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file << std::string(50, 'x');
  file.close();
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir_, {}, open_));
  ASSERT_EQ(report.findings.size(), 1);
  EXPECT_EQ(report.findings.front().kind, "superblock");
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
  Reopen();  // each open writes the other copy, so that two opens restore both
  Reopen();
}

TEST_F(IdentityTest, FormatRefusesAStoreUnlessForced) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  const auto before = Listing();
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, dir_);
  EXPECT_EQ(Listing(), before);
  // The device alone also prevents a format.
  FormatOptions elsewhere = format_;
  EXPECT_STATUS(Engine::Format(tmp_.File("new"), elsewhere), StatusCode::kFailedPrecondition, device_);
  EXPECT_FALSE(fs::exists(tmp_.File("new")));
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
  Close();

  format_.force = true;
  FormatAndOpen();
  EXPECT_EQ(engine_->version(), Version(0));
  EXPECT_FALSE(Has("k"));
}

TEST_F(IdentityTest, FormatRefusesADirectoryWithForeignFiles) {
  fs::create_directory(dir_);
  std::ofstream(Path("letter")) << "dear reader";
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, dir_);
  format_.force = true;
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, dir_);
  EXPECT_EQ(Listing().size(), 1);
  EXPECT_FALSE(fs::exists(device_));
}

TEST_F(IdentityTest, FormatRefusesValuesOutOfRangeAndMakesNothing) {
  const auto refused = [&](const FormatOptions& options) {
    EXPECT_STATUS(Engine::Format(dir_, options), StatusCode::kInvalidArgument);
    EXPECT_FALSE(fs::exists(dir_));
    EXPECT_FALSE(fs::exists(device_));
  };
  for (const uint64_t slot : {uint64_t{0}, uint64_t{512}, uint64_t{5000}, 128 * kMiB}) {
    FormatOptions options = format_;
    options.slot_bytes = slot;
    refused(options);
  }
  FormatOptions options = format_;
  options.header_bytes = 100;
  refused(options);
  options = format_;
  options.inline_bytes = 64 * kKiB + 1;
  refused(options);
  options = format_;
  options.capacity_bytes = 4096;
  refused(options);
  options = format_;
  options.runtime.wal_segment_bytes = 1000;
  refused(options);
  options = format_;
  options.digest = true;
  EXPECT_STATUS(Engine::Format(dir_, options), StatusCode::kNotSupported);
  EXPECT_FALSE(fs::exists(dir_));
}

TEST_F(IdentityTest, FormatKeepsTheSizeOfAnExistingDeviceFile) {
  ASSERT_OK(CreateDeviceFile(device_, 20 * kMiB));
  FormatAndOpen();
  EXPECT_EQ(fs::file_size(device_), 20 * kMiB);
  EXPECT_EQ(Info().capacity_bytes, 20 * kMiB);
}

TEST_F(IdentityTest, FormatOverAForeignSignatureNeedsForce) {
  ASSERT_OK(CreateDeviceFile(device_, 20 * kMiB));
  if (std::system(("mkfs.ext4 -q '" + device_ + "' > /dev/null 2>&1").c_str()) != 0) {
    GTEST_SKIP() << "mkfs.ext4 cannot be run";
  }
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, device_);
  EXPECT_FALSE(fs::exists(dir_));
  format_.force = true;
  FormatAndOpen();
  Put("k", OneSlot(1));
}

TEST_F(IdentityTest, StoreFilesAreAccessibleToTheirOwnerOnly) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  ASSERT_OK(engine_->CreateSnapshot());
  const auto old = View(Version(0));
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir_)) {
    if (entry.is_symlink()) continue;
    EXPECT_EQ(entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none)
        << entry.path();
  }
  EXPECT_EQ(fs::status(device_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// The device is a file in the store's directory, with a name like that of a leftover.
class DeviceNameTest : public EngineTest {
 protected:
  void MoveDeviceTo(const std::string& name) {
    FormatAndOpen();
    Put("k", OneSlot(1));
    Close();
    fs::rename(Path("device.img"), Path(name));
    open_.device = Path(name);
  }
};

TEST_F(DeviceNameTest, DeviceIsNeverSweptWhicheverPathNamesIt) {
  fs::create_symlink(tmp_.path(), tmp_.File("around"));
  fs::create_symlink(Path("payload.tmp"), tmp_.File("by-id"));
  MoveDeviceTo("payload.tmp");
  fs::create_hard_link(Path("payload.tmp"), tmp_.File("hard"));
  for (const char* path : {"store/payload.tmp", "by-id", "around/store/../store/payload.tmp", "hard"}) {
    open_.device = tmp_.File(path);
    Open();
    EXPECT_EQ(Get("k"), OneSlot(1)) << path;
    Close();
    ASSERT_TRUE(fs::exists(Path("payload.tmp"))) << path;
    ExpectWhole();
  }
  ASSERT_OK(OfflineRollback(dir_, Version(0), {}, open_));
  EXPECT_TRUE(fs::exists(Path("payload.tmp")));
}

TEST_F(DeviceNameTest, LeftoversOfOtherNamesAreStillSwept) {
  MoveDeviceTo("payload.tmp");
  std::ofstream(Path("other.tmp")) << "x";
  Open();
  EXPECT_FALSE(fs::exists(Path("other.tmp")));
  EXPECT_TRUE(fs::exists(Path("payload.tmp")));
}

TEST_F(DeviceNameTest, ForcedFormatKeepsTheDeviceThatItFormats) {
  for (const char* name : {"working.img", "payload.tmp", "old.removing"}) {
    MoveDeviceTo(name);
    format_.device = Path(name);
    format_.force = true;
    open_.device.clear();
    FormatAndOpen();
    Put("k", OneSlot(2));
    Close();
    EXPECT_TRUE(fs::exists(Path(name))) << name;
    fs::remove_all(dir_);
    format_.device.clear();
  }
}

TEST_F(DeviceNameTest, FormatRefusesADeviceNameThatTheStoreUses) {
  for (const char* name : {"STORE", "LOCK", "current.tmp", "working", "reserve", "wal.damaged",
                           "snapshot-00000000000000000007.tmp", "snapshot-staging.tmp", "import.tmp"}) {
    format_.device = Path(name);
    EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, name);
    EXPECT_FALSE(fs::exists(dir_)) << name;
  }
}

TEST_F(DeviceNameTest, OpenRefusesADeviceNameThatTheStoreUses) {
  MoveDeviceTo("current.tmp");
  EXPECT_STATUS(Engine::Open(dir_, open_), StatusCode::kFailedPrecondition, "current.tmp", "--device");
  EXPECT_TRUE(fs::exists(Path("current.tmp")));
  fs::rename(Path("current.tmp"), Path("device.img"));
  open_.device.clear();
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
}

}  // namespace
}  // namespace rawkv
