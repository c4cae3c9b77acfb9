#include "blockdev/device_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/endian.h"
#include "blockdev/open_block_device.h"
#include "blockdev/superblock.h"
#include "tests/support/loop_device.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kCapacity = 32 << 20;

bool RunQuietly(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT(cert-env33-c): fixed commands
}

#define RAWKV_NEED_COMMAND(command) \
  if (!RunQuietly("command -v " command)) GTEST_SKIP() << command " is not installed"

// A DOS partition table with one Linux partition from 1 MiB on, 24 MiB long.
std::string PartitionTable(uint32_t sector_bytes) {
  std::string out(512, '\0');
  char* const entry = out.data() + 446;
  entry[4] = static_cast<char>(0x83);
  StoreLe<uint32_t>(entry + 8, (1u << 20) / sector_bytes);
  StoreLe<uint32_t>(entry + 12, (24u << 20) / sector_bytes);
  StoreLe<uint16_t>(out.data() + 510, 0xAA55);
  return out;
}

class DeviceGuardTest : public testing::Test {
 protected:
  DeviceGuardTest() { EXPECT_TRUE(CreateDeviceFile(file, kCapacity).ok()); }

  void ExpectAccepted(const std::string& path, SignaturePolicy policy = SignaturePolicy::kRefuse) {
    const Status status = CheckDeviceMayBeFormatted(path, policy);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void ExpectRefused(const std::string& path, const std::string& cause,
                     SignaturePolicy policy = SignaturePolicy::kRefuse) {
    const Status status = CheckDeviceMayBeFormatted(path, policy);
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
    EXPECT_NE(status.message().find(cause), std::string::npos) << status.ToString();
    EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
  }
  // For a signature: refused unless the policy is kOverwrite.
  void ExpectSignature(const std::string& path, const std::string& cause) {
    ExpectRefused(path, cause);
    ExpectRefused(path, "--force");
    ExpectAccepted(path, SignaturePolicy::kOverwrite);
  }
  // For a device in use: always refused.
  void ExpectInUse(const std::string& path, const std::string& cause) {
    ExpectRefused(path, cause);
    ExpectRefused(path, cause, SignaturePolicy::kOverwrite);
  }

  void WriteSuperblocks() {
    auto opened = OpenBlockDevice(file, {});
    ASSERT_TRUE(opened.ok());
    Superblock superblock;
    superblock.device_uuid = *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");
    superblock.store_uuid = *Uuid::Parse("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
    superblock.layout = *PlanLayout(kCapacity, 4096, 0);
    ASSERT_TRUE(SuperblockStore(*opened->device).Initialise(superblock).ok());
  }
  void Overwrite(uint64_t offset, const std::string& bytes) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out << bytes;
  }

  TempDir dir;
  const std::string file = dir.File("device.img");
};

TEST_F(DeviceGuardTest, AcceptsABlankFile) {
  ExpectAccepted(file);
}

TEST_F(DeviceGuardTest, AcceptsAnEmptyFile) {
  const std::string empty = dir.File("empty");
  std::ofstream(empty).close();
  ExpectAccepted(empty);
  std::ofstream(empty) << "x";
  ExpectAccepted(empty);
}

TEST_F(DeviceGuardTest, RefusesOtherKindsOfFilesEvenIfForced) {
  ExpectInUse(dir.path(), "a directory");
  ExpectInUse("/dev/null", "character device");
  const std::string pipe = dir.File("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ExpectInUse(pipe, "a pipe");
  EXPECT_EQ(CheckDeviceMayBeFormatted(dir.File("absent"), SignaturePolicy::kOverwrite).code(),
            StatusCode::kNotFound);
}

TEST_F(DeviceGuardTest, RefusesAFilesystem) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  ASSERT_TRUE(RunQuietly("mkfs.ext4 -q -F '" + file + "'"));
  ExpectSignature(file, "ext4");
}

// A filesystem with a bad checksum may still hold data.
TEST_F(DeviceGuardTest, RefusesADamagedFilesystem) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  ASSERT_TRUE(RunQuietly("mkfs.ext4 -q -F -O metadata_csum '" + file + "'"));
  Overwrite(1024 + 120, "label");
  ExpectSignature(file, "ext4");
}

TEST_F(DeviceGuardTest, RefusesSwapSpace) {
  RAWKV_NEED_COMMAND("mkswap");
  ASSERT_TRUE(RunQuietly("mkswap '" + file + "'"));
  ExpectSignature(file, "swap");
}

TEST_F(DeviceGuardTest, RefusesAPartitionTable) {
  Overwrite(0, PartitionTable(512));
  ExpectSignature(file, "partition table (dos)");
}

// With two filesystem signatures libblkid cannot decide. The device still counts as used.
TEST_F(DeviceGuardTest, RefusesContradictorySignatures) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  ASSERT_TRUE(RunQuietly("mkfs.ext4 -q -F '" + file + "'"));
  Overwrite(0, "XFSB");
  Overwrite(4096 - 10, "SWAPSPACE2");
  ExpectSignature(file, "holds a");
}

TEST_F(DeviceGuardTest, RefusesARawkvStore) {
  WriteSuperblocks();
  ExpectSignature(file, "a rawkv store (store f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
}

TEST_F(DeviceGuardTest, RefusesADamagedRawkvStoreAndALoneSecondCopy) {
  WriteSuperblocks();
  Overwrite(0, std::string(4096, '\0'));
  ExpectSignature(file, "a rawkv store");
  Overwrite(4096 + 100, "damage");
  ExpectSignature(file, "a damaged or newer rawkv superblock");
}

TEST_F(DeviceGuardTest, RefusesAnOpenStore) {
  auto opened = OpenBlockDevice(file, {});
  ASSERT_TRUE(opened.ok());
  ExpectInUse(file, "locked by another program");
  opened->device.reset();
  ExpectAccepted(file);
}

class LoopGuardTest : public DeviceGuardTest {
 protected:
  void SetUp() override {
    auto attached = LoopDevice::Attach(file);
    if (!attached.ok()) GTEST_SKIP() << attached.status().message();
    loop = *std::move(attached);
  }
  void WriteToLoop(const std::string& bytes) {
    std::ofstream out(loop->path(), std::ios::binary);
    out << bytes;
    ASSERT_TRUE(out.flush());
  }
  std::optional<LoopDevice> loop;
};

TEST_F(LoopGuardTest, AcceptsABlankBlockDevice) {
  ExpectAccepted(loop->path());
}

TEST_F(LoopGuardTest, RefusesTheBackingFileOfALoopDevice) {
  ExpectInUse(file, "backing file of " + loop->path());
  const std::string other_name = dir.File("hard-link");
  std::filesystem::create_hard_link(file, other_name);
  ExpectInUse(other_name, "backing file of " + loop->path());
}

TEST_F(LoopGuardTest, RefusesAFilesystemOnABlockDevice) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  ASSERT_TRUE(RunQuietly("mkfs.ext4 -q -F " + loop->path()));
  ExpectSignature(loop->path(), "ext4");
}

TEST_F(LoopGuardTest, RefusesAMountedDeviceEvenIfForced) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  ASSERT_TRUE(RunQuietly("mkfs.ext4 -q -F " + loop->path()));
  const std::string at = dir.File("mount point");  // the space is escaped in mountinfo
  std::filesystem::create_directory(at);
  if (::mount(loop->path().c_str(), at.c_str(), "ext4", 0, nullptr) != 0) GTEST_SKIP() << "mount is refused";
  ExpectInUse(loop->path(), "mounted at " + at);
  ASSERT_EQ(::umount(at.c_str()), 0);
  ExpectSignature(loop->path(), "ext4");
}

TEST_F(LoopGuardTest, RefusesADeviceWithAMountedPartitionEvenIfForced) {
  RAWKV_NEED_COMMAND("mkfs.ext4");
  RAWKV_NEED_COMMAND("partx");
  WriteToLoop(PartitionTable(4096));
  const std::string partition = loop->path() + "p1";
  if (!RunQuietly("partx -a " + loop->path()) && !std::filesystem::exists(partition)) {
    GTEST_SKIP() << "loop devices have no partitions here";
  }
  ExpectSignature(loop->path(), "partition table (dos)");
  const std::string at = dir.File("mnt");
  std::filesystem::create_directory(at);
  const bool made = RunQuietly("mkfs.ext4 -q -F " + partition);
  const bool mounted = made && ::mount(partition.c_str(), at.c_str(), "ext4", 0, nullptr) == 0;
  if (mounted) {
    ExpectInUse(loop->path(), "mounted at " + at);
    ExpectInUse(partition, "mounted at " + at);
    EXPECT_EQ(::umount(at.c_str()), 0);
    ExpectSignature(partition, "ext4");
  }
  EXPECT_TRUE(RunQuietly("partx -d " + loop->path()));
  if (!mounted) GTEST_SKIP() << "the partition cannot be formatted and mounted";
}

TEST_F(LoopGuardTest, RefusesActiveSwapEvenIfForced) {
  RAWKV_NEED_COMMAND("mkswap");
  ASSERT_TRUE(RunQuietly("mkswap " + loop->path()));
  if (!RunQuietly("swapon " + loop->path())) GTEST_SKIP() << "swapon is refused";
  ExpectInUse(loop->path(), "used as swap");
  EXPECT_TRUE(RunQuietly("swapoff " + loop->path()));
  ExpectSignature(loop->path(), "swap");
}

TEST_F(LoopGuardTest, RefusesAnExclusivelyHeldDevice) {
  const int fd = ::open(loop->path().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  ExpectInUse(loop->path(), "another program or mount holds it");
  ::close(fd);
  auto opened = OpenBlockDevice(loop->path(), {});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ExpectInUse(loop->path(), "another program or mount holds it");
}

}  // namespace
}  // namespace rawkv
