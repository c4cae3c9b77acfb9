// The engine nvme on a real or emulated drive: what only the kernel and a drive can show. RAWKV_TEST_NVME
// names the character device. Its content is lost. tests/nvme/run starts this program in a virtual machine.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/nvme_ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "blockdev/device_guard.h"
#include "blockdev/io_queue.h"
#include "blockdev/nvme_node.h"
#include "blockdev/nvme_status.h"
#include "blockdev/open_block_device.h"
#include "blockdev/raw_io.h"
#include "blockdev/reaped_ring.h"
#include "tests/blockdev/test_bytes.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

const char* NodePath() {
  return std::getenv("RAWKV_TEST_NVME");
}
// A part of the reason for which the drive must be refused; null for a drive that must work.
const char* ExpectedRefusal() {
  const char* const text = std::getenv("RAWKV_TEST_NVME_REFUSAL");
  return text == nullptr || *text == '\0' ? nullptr : text;
}

class NvmeDriveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (NodePath() == nullptr) GTEST_SKIP() << "RAWKV_TEST_NVME names no NVMe character device";
    if (ExpectedRefusal() != nullptr) GTEST_SKIP() << "this drive must be refused";
    const Result<std::string> block = NvmeBlockPathOf(NodePath());
    ASSERT_OK(block);
    block_path = *block;
  }

  static Result<OpenedDevice> Open(const std::string& path, DeviceOpenOptions options = {}) {
    return OpenBlockDevice(path, options);
  }
  std::unique_ptr<BlockDevice> Opened() {
    auto opened = Open(NodePath());
    EXPECT_OK(opened.status());
    return opened.ok() ? std::move(opened->device) : nullptr;
  }

  std::string block_path;
  std::mt19937_64 random{3};
};

TEST(NvmeRefusalTest, UnusableNamespaceIsRefusedWithTheReason) {
  if (NodePath() == nullptr) GTEST_SKIP() << "RAWKV_TEST_NVME names no NVMe character device";
  if (ExpectedRefusal() == nullptr) GTEST_SKIP() << "this drive must work";
  for (const bool writable : {true, false}) {
    EXPECT_STATUS(OpenBlockDevice(NodePath(), {.writable = writable}), StatusCode::kNotSupported,
                  ExpectedRefusal(), NodePath());
  }
}

TEST_F(NvmeDriveTest, AutoChoosesTheEngineOfTheNode) {
  auto node = Open(NodePath());
  ASSERT_OK(node.status());
  EXPECT_EQ(node->used, IoEngine::kNvme);
  EXPECT_NE(node->reason.find("is an NVMe character device"), std::string::npos) << node->reason;
  EXPECT_EQ(node->device->geometry().kind, DeviceKind::kNvmeChar);
  node->device.reset();
  auto block = Open(block_path);
  ASSERT_OK(block.status());
  EXPECT_EQ(block->used, IoEngine::kIoUring);
}

TEST_F(NvmeDriveTest, OtherEnginesAndNodesAreRefusedWithAdvice) {
  for (const IoEngine engine : {IoEngine::kPosix, IoEngine::kIoUring}) {
    EXPECT_STATUS(Open(NodePath(), {.engine = engine}), StatusCode::kNotSupported, "use the engine nvme");
  }
  EXPECT_STATUS(Open(block_path, {.engine = IoEngine::kNvme}), StatusCode::kNotSupported,
                "it is a block device; use /dev/ng");
}

TEST_F(NvmeDriveTest, CommandsAndTheBlockDeviceSeeTheSameBytes) {
  AlignedBuffer written = RandomBuffer(3 << 20, random);
  AlignedBuffer read(written.size());
  const auto device = Opened();
  const UniqueFd block = OpenUninterrupted(block_path, O_RDONLY | O_DIRECT);
  ASSERT_TRUE(block.valid());
  ASSERT_OK(device->Write(DeviceOffset(kBlockAlign), written.bytes()));
  ASSERT_EQ(::pread(block.get(), read.data(), read.size(), kBlockAlign), static_cast<ssize_t>(read.size()));
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));

  FillRandom(written.bytes(), random);
  const UniqueFd writer = OpenUninterrupted(block_path, O_WRONLY | O_DIRECT);
  ASSERT_EQ(::pwrite(writer.get(), written.data(), written.size(), 0), static_cast<ssize_t>(written.size()));
  ASSERT_OK(device->Read(DeviceOffset(0), read.bytes()));
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
}

TEST_F(NvmeDriveTest, BlockDeviceIsHeldExclusivelyWhileTheNodeIsOpen) {
  {
    const auto device = Opened();
    EXPECT_FALSE(OpenUninterrupted(block_path, O_RDONLY | O_EXCL).valid());
    EXPECT_EQ(errno, EBUSY);
    EXPECT_STATUS(Open(block_path), StatusCode::kBusy, block_path);
    EXPECT_STATUS(CheckDeviceMayBeFormatted(NodePath(), SignaturePolicy::kOverwrite),
                  StatusCode::kFailedPrecondition, "another program or mount holds it");
  }
  const UniqueFd holder = OpenUninterrupted(block_path, O_RDONLY | O_EXCL);
  ASSERT_TRUE(holder.valid());
  EXPECT_STATUS(Open(NodePath()), StatusCode::kBusy, "stop its user first");
  EXPECT_OK(Open(NodePath(), {.writable = false}).status());
}

// The page cache of the block device keeps what it read before commands wrote, as long as a program has it
// open.
TEST_F(NvmeDriveTest, FormatSeesWhatCommandsWroteThroughAnOldPageCache) {
  AlignedBuffer blocks(2 * kBlockAlign);
  std::memset(blocks.data(), 0, blocks.size());
  ASSERT_OK(Opened()->Write(DeviceOffset(0), blocks.bytes()));
  const UniqueFd reader = OpenUninterrupted(block_path, O_RDONLY);
  ASSERT_EQ(::pread(reader.get(), blocks.data(), blocks.size(), 0), static_cast<ssize_t>(blocks.size()));
  EXPECT_OK(CheckDeviceMayBeFormatted(NodePath(), SignaturePolicy::kRefuse));

  std::memcpy(blocks.data() + 4086, "SWAPSPACE2", 10);  // the signature of swap space
  blocks.data()[1024] = std::byte{1};                   // its version
  blocks.data()[1028] = std::byte{1};                   // its last page
  ASSERT_OK(Opened()->Write(DeviceOffset(0), blocks.bytes()));
  EXPECT_STATUS(CheckDeviceMayBeFormatted(NodePath(), SignaturePolicy::kRefuse),
                StatusCode::kFailedPrecondition, "swap");
  std::memset(blocks.data(), 0, blocks.size());
  ASSERT_OK(Opened()->Write(DeviceOffset(0), blocks.bytes()));
}

TEST_F(NvmeDriveTest, ReadOnlyDeviceRefusesWrites) {
  auto opened = Open(NodePath(), {.writable = false});
  ASSERT_OK(opened.status());
  AlignedBuffer memory(2 * kBlockAlign);
  EXPECT_OK(opened->device->Read(DeviceOffset(0), memory.bytes()));
  EXPECT_EQ(opened->device->Write(DeviceOffset(0), memory.bytes()).code(), StatusCode::kFailedPrecondition);
  IoRequest batch[2];
  for (uint64_t i = 0; i < 2; ++i) {
    batch[i] = {.kind = IoKind::kWrite,
                .offset = DeviceOffset(i * kBlockAlign),
                .buffer = memory.bytes().subspan(i * kBlockAlign, kBlockAlign)};
  }
  EXPECT_EQ(opened->device->Submit(batch).code(), StatusCode::kFailedPrecondition);
}

TEST_F(NvmeDriveTest, DriveReportsAReadPastItsEndAsAStatus) {
  const auto device = Opened();
  const UniqueFd fd = OpenUninterrupted(NodePath(), O_RDWR);
  RawIo raw;
  AlignedBuffer memory(kBlockAlign);
  const NvmeTarget target{.namespace_id = static_cast<uint32_t>(raw.NvmeNamespaceId(fd.get())),
                          .block_bytes = 4096};
  const uint64_t past = device->geometry().capacity_bytes;
  const int64_t result = raw.NvmeIo(
      fd.get(),
      EncodeNvmeTransfer(target, IoKind::kRead, DeviceOffset(past * 8), memory.bytes(), NvmeFua::kNo));
  ASSERT_GT(result, 0);
  EXPECT_NE(NvmeStatus(static_cast<uint16_t>(result)).ToString().find("LBA out of range"), std::string::npos);
}

// More commands than the drive's queue has entries: the kernel then waits for one on a thread of its own.
TEST_F(NvmeDriveTest, DeepQueuesOfManyThreadsTransferEverything) {
  constexpr uint64_t kBlocks = 1500;
  constexpr uint64_t kThreads = 4;
  auto opened = Open(NodePath(), {.queue_depth = 1024});
  ASSERT_OK(opened.status());
  BlockDevice& device = *opened->device;
  AlignedBuffer written = RandomBuffer(kThreads * kBlocks * kBlockAlign, random);
  const auto transfer_all = [&](IoKind kind, AlignedBuffer& memory) {
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::vector<IoRequest> batch;
        for (uint64_t i = t * kBlocks; i < (t + 1) * kBlocks; ++i) {
          batch.push_back({.kind = kind,
                           .offset = DeviceOffset(i * kBlockAlign),
                           .buffer = memory.bytes().subspan(i * kBlockAlign, kBlockAlign)});
        }
        EXPECT_OK(device.Submit(batch));
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  transfer_all(IoKind::kWrite, written);
  AlignedBuffer read(written.size());
  ASSERT_OK(device.Read(DeviceOffset(0), read.bytes()));
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes())) << "after writes";
  std::memset(read.data(), 0, read.size());
  transfer_all(IoKind::kRead, read);
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes())) << "after reads";
}

// Reads one request and counts it.
class CountedJob final : public IoQueue::Job {
 public:
  CountedJob(const IoRequest& request, std::atomic<int>& done) : Job(request), done_(done) {}
  void OnDone() override {
    EXPECT_OK(status());
    ++done_;
    done_.notify_all();
  }

 private:
  std::atomic<int>& done_;
};

class NvmeJobsTest : public NvmeDriveTest {
 protected:
  static constexpr uint64_t kJobBytes = 16 * kBlockAlign;
  static constexpr int kJobs = 200;

  void SetUp() override {
    NvmeDriveTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    device = Opened();
    ASSERT_OK(device->Write(DeviceOffset(0), written.bytes()));
    for (uint64_t at = 0; at < read.size(); at += kJobBytes) {
      jobs.push_back(std::make_unique<CountedJob>(
          IoRequest{.offset = DeviceOffset(at), .buffer = read.bytes().subspan(at, kJobBytes)}, done));
      pointers.push_back(jobs.back().get());
    }
  }

  AlignedBuffer written = RandomBuffer(kJobs * kJobBytes, random);
  AlignedBuffer read{kJobs * kJobBytes};
  std::unique_ptr<BlockDevice> device;
  std::atomic<int> done = 0;
  std::vector<std::unique_ptr<CountedJob>> jobs;
  std::vector<IoQueue::Job*> pointers;
};

TEST_F(NvmeJobsTest, QueueEndsEachJobOnce) {
  auto queue = device->OpenQueue();
  ASSERT_OK(queue.status());
  (*queue)->Submit(pointers);
  for (int now = done; now < kJobs; now = done) done.wait(now);
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
}

TEST_F(NvmeJobsTest, JobsOfAThreadThatEndedComplete) {
  const std::unique_ptr<ReapedRing> ring = device->OpenRing();
  ASSERT_NE(ring, nullptr);
  std::thread([&] {
    ring->Add(pointers);
    ring->Start(ReapedRing::Pace::kNow);
  }).join();
  while (ring->Wait(IoRing::kForever)) ring->Reap();
  EXPECT_EQ(ring->TakeStray(), nullptr);
  EXPECT_EQ(done, kJobs);
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
}

TEST_F(NvmeJobsTest, WakeEndsAWait) {
  const std::unique_ptr<ReapedRing> ring = device->OpenRing();
  ASSERT_NE(ring, nullptr);
  ring->Wake();
  EXPECT_TRUE(ring->Wait(IoRing::kForever));
  ring->Reap();
  EXPECT_FALSE(ring->Wait(IoRing::kForever));
}

}  // namespace
}  // namespace rawkv
