#include "blockdev/open_block_device.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <future>

#include "base/unique_fd.h"
#include "blockdev/io_seams.h"
#include "blockdev/nvme_node.h"
#include "tests/blockdev/test_bytes.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kCapacity = 1 << 20;

class OpenBlockDeviceTest : public testing::Test {
 protected:
  OpenBlockDeviceTest() {
    const Status made = CreateDeviceFile(path, kCapacity);
    EXPECT_TRUE(made.ok()) << made.ToString();
  }
  TempDir dir;
  const std::string path = dir.File("device.img");
};

Result<std::unique_ptr<IoRing>> NoRing(int, uint32_t) {
  return Status::NotSupported("forbidden here");
}

TEST(IoEngine, NamesRoundTrip) {
  for (const IoEngine engine : {IoEngine::kAuto, IoEngine::kPosix, IoEngine::kIoUring, IoEngine::kNvme}) {
    EXPECT_EQ(*ParseIoEngine(IoEngineName(engine)), engine);
  }
  EXPECT_EQ(ParseIoEngine("spdk").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseIoEngine("").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(OpenBlockDeviceTest, AutoFallsBackToPosixWithAReason) {
  auto opened = OpenBlockDevice(path, {}, {.make_ring = NoRing});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ(opened->used, IoEngine::kPosix);
  EXPECT_NE(opened->reason.find("forbidden here"), std::string::npos) << opened->reason;
  AlignedBuffer block(kBlockAlign);
  EXPECT_TRUE(opened->device->Read(DeviceOffset(0), block.bytes()).ok());
}

TEST_F(OpenBlockDeviceTest, ExplicitEngineNeverFallsBack) {
  auto opened = OpenBlockDevice(path, {.engine = IoEngine::kIoUring}, {.make_ring = NoRing});
  EXPECT_EQ(opened.status().code(), StatusCode::kNotSupported);
  EXPECT_NE(opened.status().message().find("forbidden here"), std::string::npos);
  // The failed open holds no lock.
  EXPECT_TRUE(OpenBlockDevice(path, {.engine = IoEngine::kPosix}).ok());
}

TEST_F(OpenBlockDeviceTest, EngineNvmeNeedsACharacterDevice) {
  const auto opened = OpenBlockDevice(path, {.engine = IoEngine::kNvme});
  EXPECT_EQ(opened.status().code(), StatusCode::kNotSupported);
  EXPECT_NE(opened.status().message().find("/dev/ngXnY"), std::string::npos) << opened.status().message();
  EXPECT_EQ(OpenNvmeNode("/dev/null", true).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NvmeBlockPathOf("/dev/null").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(OpenBlockDeviceTest, EngineNvmeNamesTheCharacterDeviceOfABlockDevice) {
  const auto advice = [](const std::string& block) {
    return NvmeEngineAdvice(block, DeviceKind::kBlockDevice);
  };
  EXPECT_EQ(advice("/dev/nvme0n1"), "a block device; use /dev/ng0n1 for the engine nvme");
  EXPECT_EQ(advice("/dev/nvme12n34p5"),
            "a partition; use the engine io_uring, or the whole namespace as /dev/ng12n34");
  EXPECT_NE(advice("/dev/sda").find("use the engine io_uring"), std::string::npos);
}

// Sets a seccomp filter as containers do. Runs in a child, because the filter cannot be removed.
TEST_F(OpenBlockDeviceTest, AutoFallsBackWhenSeccompForbidsIoUring) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = std::size(code), .filter = code};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(90);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(90);
    const auto automatic = OpenBlockDevice(path, {});
    if (!automatic.ok() || automatic->used != IoEngine::kPosix) ::_exit(1);
    if (automatic->reason.find("forbidden by seccomp") == std::string::npos) ::_exit(2);
    const auto named = OpenBlockDevice(path, {.engine = IoEngine::kIoUring, .writable = false});
    ::_exit(named.status().code() == StatusCode::kNotSupported ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 90) GTEST_SKIP() << "seccomp filters cannot be set here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(OpenBlockDeviceTest, OneWriterAtATime) {
  auto first = OpenBlockDevice(path, {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(OpenBlockDevice(path, {}).status().code(), StatusCode::kBusy);
  EXPECT_TRUE(OpenBlockDevice(path, {.writable = false}).ok());
  first->device.reset();
  EXPECT_TRUE(OpenBlockDevice(path, {}).ok());
}

// The kernel keeps the device of a killed process open for a moment, until the transfers of its ring have
// ended.
TEST_F(OpenBlockDeviceTest, WaitsForALockThatIsReleasedSoon) {
  auto first = OpenBlockDevice(path, {});
  ASSERT_TRUE(first.ok());
  std::future<Status> second =
      std::async(std::launch::async, [this] { return OpenBlockDevice(path, {}).status(); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  first->device.reset();
  EXPECT_TRUE(second.get().ok());
}

TEST_F(OpenBlockDeviceTest, LockIsFreeOnceTheDeviceIsClosed) {
  AlignedBuffer blocks(2 * kBlockAlign);
  for (int i = 0; i < 50; ++i) {
    auto opened = OpenBlockDevice(path, {});
    ASSERT_TRUE(opened.ok()) << "round " << i << ": " << opened.status().ToString();
    IoRequest batch[2];
    for (uint64_t r = 0; r < 2; ++r) {
      batch[r].offset = DeviceOffset(r * kBlockAlign);
      batch[r].buffer = blocks.bytes().subspan(r * kBlockAlign, kBlockAlign);
    }
    ASSERT_TRUE(opened->device->Submit(batch).ok());
  }
}

TEST_F(OpenBlockDeviceTest, ReadOnlyDeviceRefusesWrites) {
  for (const IoEngine engine : {IoEngine::kPosix, IoEngine::kAuto}) {
    auto opened = OpenBlockDevice(path, {.engine = engine, .writable = false});
    ASSERT_TRUE(opened.ok());
    AlignedBuffer block(kBlockAlign);
    EXPECT_TRUE(opened->device->Read(DeviceOffset(0), block.bytes()).ok());
    EXPECT_EQ(opened->device->Write(DeviceOffset(0), block.bytes()).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(opened->device->Discard(DeviceOffset(0), kBlockAlign).code(), StatusCode::kFailedPrecondition);
    EXPECT_FALSE(opened->device->geometry().discard_supported);
  }
}

TEST_F(OpenBlockDeviceTest, CapacityIsRoundedDownAndTheFileKeepsItsSize) {
  const std::string odd = dir.File("odd.img");
  ASSERT_TRUE(CreateDeviceFile(odd, kCapacity + 4095).ok());
  {
    auto opened = OpenBlockDevice(odd, {});
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->device->geometry().capacity_bytes, kCapacity);
    EXPECT_EQ(opened->device->geometry().kind, DeviceKind::kFile);
  }
  EXPECT_EQ(std::filesystem::file_size(odd), kCapacity + 4095);
}

TEST_F(OpenBlockDeviceTest, FollowsASymbolicLink) {
  const std::string link = dir.File("by-id");
  std::filesystem::create_symlink(path, link);
  EXPECT_TRUE(OpenBlockDevice(link, {}).ok());
}

TEST_F(OpenBlockDeviceTest, RefusesPathsThatAreNotDevices) {
  EXPECT_EQ(OpenBlockDevice(dir.File("absent"), {}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(OpenBlockDevice(dir.path(), {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenBlockDevice("/dev/null", {}).status().code(), StatusCode::kInvalidArgument);
  const std::string pipe = dir.File("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(OpenBlockDevice(pipe, {}).status().code(), StatusCode::kInvalidArgument);
  std::filesystem::resize_file(path, 100);
  EXPECT_EQ(OpenBlockDevice(path, {}).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(OpenBlockDeviceTest, RefusesAWrongQueueDepth) {
  EXPECT_EQ(OpenBlockDevice(path, {.queue_depth = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenBlockDevice(path, {.queue_depth = 1025}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(OpenBlockDevice(path, {.queue_depth = 1024}).ok());
}

// If the filesystem refuses O_DIRECT, the reason names it; otherwise the device uses O_DIRECT.
TEST_F(OpenBlockDeviceTest, ReasonNamesMissingDirectIo) {
  const std::string on_tmpfs = "/dev/shm/rawkv-test-" + std::to_string(::getpid());
  if (!CreateDeviceFile(on_tmpfs, kCapacity).ok()) GTEST_SKIP() << "/dev/shm cannot be written";
  for (const std::string& each : {path, on_tmpfs}) {
    auto opened = OpenBlockDevice(each, {.cache = CacheMode::kDirect});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    EXPECT_NE(opened->device->geometry().direct, opened->reason.find("O_DIRECT") != std::string::npos)
        << opened->reason;
    AlignedBuffer block(kBlockAlign);
    EXPECT_TRUE(opened->device->Write(DeviceOffset(0), block.bytes()).ok());
  }
  std::filesystem::remove(on_tmpfs);
}

TEST_F(OpenBlockDeviceTest, CreateMakesAPrivateSparseFileOnce) {
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(static_cast<uint64_t>(info.st_size), kCapacity);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_LT(info.st_blocks, 64);
  EXPECT_EQ(CreateDeviceFile(path, kCapacity).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(CreateDeviceFile(dir.File("none"), 4095).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CreateDeviceFile(dir.File("no/dir"), kCapacity).code(), StatusCode::kNotFound);
  // Larger than any file can be: no file is left.
  EXPECT_FALSE(CreateDeviceFile(dir.File("huge"), 1ull << 63).ok());
  EXPECT_FALSE(std::filesystem::exists(dir.File("huge")));
}

}  // namespace
}  // namespace rawkv
