// Identity is a UUID, not a path (design invariant 14): whose device, which copy of STORE, what a format
// may overwrite.

#include <filesystem>
#include <fstream>

#include "blockdev/open_block_device.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class IdentityTest : public EngineTest {
 protected:
  // The device lies beside the store, so that it can be moved and mixed up.
  IdentityTest() { format_.device = device_; }
  Status TryOpen() { return Engine::Open(dir_, open_).status(); }
  // Copies the metadata directory alone, as a backup of it would.
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

TEST_F(IdentityTest, MovedDeviceOpensWhereItIsNamedAndIsRememberedThere) {
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

TEST_F(IdentityTest, AnotherStoresDeviceIsRefused) {
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

TEST_F(IdentityTest, FileThatIsNoDeviceIsRefused) {
  Format();
  const std::string blank = tmp_.File("blank");
  ASSERT_OK(CreateDeviceFile(blank, 32 * kMiB));
  open_.device = blank;
  EXPECT_STATUS(TryOpen(), StatusCode::kFailedPrecondition, blank);
  open_.device.clear();
}

TEST_F(IdentityTest, CopyOfTheStoreCannotOpenTheDeviceBesideTheOriginal) {
  FormatAndOpen();
  CopyMetadata(dir_, tmp_.File("copy"));
  EXPECT_STATUS(Engine::Open(tmp_.File("copy"), open_), StatusCode::kBusy, device_);
}

TEST_F(IdentityTest, RestoredBackupIsRefusedOnceTheStoreWasOpenedSince) {
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
  // InspectStore says why instead of failing.
  const Result<EngineInfo> info = InspectStore(dir_, open_);
  ASSERT_OK(info);
  EXPECT_NE(info->health.find("backup"), std::string::npos) << info->health;

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

TEST_F(IdentityTest, BackupOfBothTogetherOpens) {
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

TEST_F(IdentityTest, LostSuperblockCopyIsFoundByTheCheckerAndDoesNotKeepTheStoreFromOpening) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  std::fstream file(device_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file << std::string(50, 'x');
  file.close();
  const Result<CheckReport> report = CheckStore(dir_, {}, open_);
  ASSERT_OK(report);
  ASSERT_EQ(report->findings.size(), 1);
  EXPECT_EQ(report->findings.front().kind, "superblock");
  Open();
  EXPECT_EQ(Get("k"), OneSlot(1));
  Reopen();  // each open writes the other copy: two heal both
  Reopen();
}

TEST_F(IdentityTest, FormatRefusesAStoreUnlessForced) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  const auto before = Listing();
  EXPECT_STATUS(Engine::Format(dir_, format_), StatusCode::kFailedPrecondition, dir_);
  EXPECT_EQ(Listing(), before);
  // The device alone is as much of a store.
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

TEST_F(IdentityTest, FormatRefusesADirectoryThatHoldsOtherThings) {
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

TEST_F(IdentityTest, FormatKeepsTheSizeOfADeviceFileThatIsThere) {
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

TEST_F(IdentityTest, WhatFormatMakesIsForItsOwnerOnly) {
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

}  // namespace
}  // namespace rawkv
