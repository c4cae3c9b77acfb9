// The engine nvme on a drive in memory: how requests become commands, what a status of the drive leads to,
// and which namespaces are refused. block_device_contract_test.cc runs it on an emulated drive.

#include "blockdev/nvme_block_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "blockdev/io_queue.h"
#include "blockdev/reaped_ring.h"
#include "tests/blockdev/fake_nvme_drive.h"
#include "tests/blockdev/test_bytes.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kDriveBytes = 4 << 20;
constexpr uint8_t kFlush = 0;
constexpr uint8_t kWrite = 1;
constexpr uint8_t kRead = 2;
constexpr uint8_t kDatasetManagement = 9;
constexpr char kPath[] = "/dev/ng0n1";

class NvmeBlockDeviceTest : public testing::Test {
 protected:
  Result<std::unique_ptr<NvmeBlockDevice>> Open(bool writable = true) {
    NvmeNode node{.fd = OpenUninterrupted("/dev/null", O_RDWR), .writable = writable, .limits = limits};
    return NvmeBlockDevice::Make(
        kPath, std::move(node), std::make_shared<FakeNvmeIo>(drive),
        {.make = [this](int, uint32_t entries) -> Result<std::unique_ptr<NvmeCommandRing>> {
           return std::unique_ptr<NvmeCommandRing>(std::make_unique<FakeNvmeRing>(drive, entries));
         },
         .queue_depth = 4});
  }
  std::unique_ptr<NvmeBlockDevice> Opened(bool writable = true) {
    auto device = Open(writable);
    EXPECT_OK(device.status());
    return device.ok() ? *std::move(device) : nullptr;
  }

  // Requests of a block each, one after the other.
  static std::vector<IoRequest> Blocks(IoKind kind, AlignedBuffer& memory) {
    std::vector<IoRequest> out;
    for (uint64_t at = 0; at < memory.size(); at += kBlockAlign) {
      out.push_back(
          {.kind = kind, .offset = DeviceOffset(at), .buffer = memory.bytes().subspan(at, kBlockAlign)});
    }
    return out;
  }

  std::mt19937_64 random{5};
  std::shared_ptr<FakeNvmeDrive> drive = std::make_shared<FakeNvmeDrive>(kDriveBytes);
  NvmeQueueLimits limits{.max_transfer_bytes = 512 << 10, .max_segments = 127};
};

TEST_F(NvmeBlockDeviceTest, GeometryIsThatOfTheNamespace) {
  const auto device = Opened();
  EXPECT_EQ(device->geometry().kind, DeviceKind::kNvmeChar);
  EXPECT_EQ(device->geometry().capacity_bytes, kDriveBytes);
  EXPECT_TRUE(device->geometry().direct);
  EXPECT_TRUE(device->geometry().discard_supported);
  EXPECT_EQ(device->Describe(), "Fake Drive 1, at most 508 KiB a command, with a volatile write cache");
  EXPECT_FALSE(Opened(/*writable=*/false)->geometry().discard_supported);
}

TEST_F(NvmeBlockDeviceTest, RequestsOfEverySizeRoundTripInBoundedCommands) {
  for (const uint32_t block_shift : {9u, 12u}) {
    for (const uint64_t limit : {kBlockAlign, 3 * kBlockAlign, uint64_t{512} << 10}) {
      SCOPED_TRACE("blocks of 2^" + std::to_string(block_shift) + ", limit " + std::to_string(limit));
      drive = std::make_shared<FakeNvmeDrive>(kDriveBytes, block_shift);
      limits.max_transfer_bytes = limit;
      const auto device = Opened();
      for (const uint64_t blocks : {1, 2, 3, 4, 64, 127, 128, 300}) {
        AlignedBuffer written = RandomBuffer(blocks * kBlockAlign, random);
        AlignedBuffer read(written.size());
        ASSERT_OK(device->Write(DeviceOffset(5 * kBlockAlign), written.bytes()));
        ASSERT_OK(device->Read(DeviceOffset(5 * kBlockAlign), read.bytes()));
        ASSERT_TRUE(SameBytes(written.bytes(), read.bytes())) << blocks;
      }
      for (const uint8_t opcode : {kRead, kWrite}) {
        for (const nvme_uring_cmd& command : drive->Commands(opcode)) {
          ASSERT_LE(command.data_len, std::min(limit, uint64_t{508} << 10));
          ASSERT_EQ(command.cdw12 >> 16, 0u);
        }
      }
    }
  }
}

TEST_F(NvmeBlockDeviceTest, BatchWithLargeRequestsEndsEachRequestOnce) {
  limits.max_segments = 4;
  const auto device = Opened();
  AlignedBuffer written = RandomBuffer(40 * kBlockAlign, random);
  AlignedBuffer read(written.size());
  const auto batch_of = [](IoKind kind, AlignedBuffer& memory) {
    std::vector<IoRequest> batch;
    uint64_t at = 0;
    for (const uint64_t blocks : {1, 4, 5, 13, 17}) {
      batch.push_back({.kind = kind,
                       .offset = DeviceOffset(at),
                       .buffer = memory.bytes().subspan(at, blocks * kBlockAlign)});
      at += blocks * kBlockAlign;
    }
    return batch;
  };
  std::vector<IoRequest> writes = batch_of(IoKind::kWrite, written);
  ASSERT_OK(device->Submit(writes));
  std::vector<IoRequest> reads = batch_of(IoKind::kRead, read);
  std::vector<int> done(reads.size());
  ASSERT_OK(device->Submit(reads, [&](size_t index) {
    ++done[index];
    const uint64_t at = reads[index].offset.value();
    EXPECT_TRUE(SameBytes(reads[index].buffer, written.bytes().subspan(at, reads[index].buffer.size())));
  }));
  EXPECT_EQ(done, std::vector<int>(reads.size(), 1));
  EXPECT_EQ(drive->Commands(kRead).size(), 1u + 1 + 2 + 4 + 5);
}

TEST_F(NvmeBlockDeviceTest, FailedPieceFailsItsRequestOnly) {
  limits.max_segments = 1;
  const auto device = Opened();
  AlignedBuffer memory(6 * kBlockAlign);
  std::vector<IoRequest> batch;
  for (uint64_t at = 0; at < memory.size(); at += 2 * kBlockAlign) {
    batch.push_back({.kind = IoKind::kRead,
                     .offset = DeviceOffset(at),
                     .buffer = memory.bytes().subspan(at, 2 * kBlockAlign)});
  }
  drive->Answer(kRead, 3 * 8, {0x4281});
  std::vector<int> done(batch.size());
  EXPECT_STATUS(device->Submit(batch, [&](size_t index) { ++done[index]; }), StatusCode::kIoError,
                "read of 4096 bytes at offset 12288 of /dev/ng0n1",
                "NVMe status 0x4281: unrecovered read error (type 2, code 0x81, do not retry)");
  EXPECT_OK(batch[0].status);
  EXPECT_FALSE(batch[1].status.ok());
  EXPECT_OK(batch[2].status);
  EXPECT_EQ(done, std::vector<int>(batch.size(), 1));
}

// Runs with single requests, which are ioctls, and with batches, which use the ring.
class NvmeStatusHandling : public NvmeBlockDeviceTest, public testing::WithParamInterface<int> {
 protected:
  Status Transfer(BlockDevice& device, IoKind kind) {
    AlignedBuffer memory = RandomBuffer(GetParam() * kBlockAlign, random);
    std::vector<IoRequest> batch = Blocks(kind, memory);
    return device.Submit(batch);
  }
};
INSTANTIATE_TEST_SUITE_P(Requests, NvmeStatusHandling, testing::Values(1, 9));

TEST_P(NvmeStatusHandling, PassingConditionsAreRetried) {
  const auto device = Opened();
  for (const IoKind kind : {IoKind::kWrite, IoKind::kRead}) {
    const uint8_t opcode = kind == IoKind::kWrite ? kWrite : kRead;
    drive->Answer(opcode, 0, {0x0082, -EINTR, 0x0021, 0x0371, -EAGAIN});
    EXPECT_OK(Transfer(*device, kind));
    EXPECT_EQ(drive->Commands(opcode).size(), static_cast<size_t>(GetParam()) + 5);
  }
}

TEST_P(NvmeStatusHandling, RetriesAreBounded) {
  const auto device = Opened();
  drive->Answer(kRead, 0, std::vector<int64_t>(100, 0x0082));
  const Status status = Transfer(*device, IoKind::kRead);
  EXPECT_STATUS(status, StatusCode::kIoError, "namespace not ready", "after 9 tries", "try again");
  EXPECT_TRUE(status.refused()) << "a drive that is not ready proves nothing about the bytes";
  EXPECT_EQ(drive->Commands(kRead).size(), static_cast<size_t>(GetParam()) + 8);
}

TEST_P(NvmeStatusHandling, MediumErrorIsNoRefusal) {
  const auto device = Opened();
  drive->Answer(kRead, 0, std::vector<int64_t>(100, 0x0281));
  const Status status = Transfer(*device, IoKind::kRead);
  EXPECT_STATUS(status, StatusCode::kIoError, "unrecovered read error", "after 9 tries");
  EXPECT_FALSE(status.refused());
}

TEST_P(NvmeStatusHandling, FinalStatusesAreNotRetried) {
  const auto device = Opened();
  for (const int64_t status : {0x4082, 0x0020, 0x4280, 0x0083, 0x07ff}) {
    const size_t before = drive->Commands(kWrite).size();
    drive->Answer(kWrite, 0, {status});
    EXPECT_STATUS(Transfer(*device, IoKind::kWrite), StatusCode::kIoError, "NVMe status");
    EXPECT_EQ(drive->Commands(kWrite).size(), before + static_cast<size_t>(GetParam())) << status;
  }
  drive->Answer(kWrite, 0, {0x4081});
  EXPECT_STATUS(Transfer(*device, IoKind::kWrite), StatusCode::kNoSpace, "capacity exceeded");
}

TEST_P(NvmeStatusHandling, RefusalsOfTheKernelAreReported) {
  const auto device = Opened();
  drive->Answer(kRead, 0, {-ENODEV});
  EXPECT_STATUS(Transfer(*device, IoKind::kRead), StatusCode::kIoError, "No such device");
}

// Linux 6.1 does so when the drive's queue is full (NvmeRing).
TEST_F(NvmeBlockDeviceTest, CommandsOfARingThatTheKernelDidNotMapAreRetried) {
  const auto device = Opened();
  AlignedBuffer written = RandomBuffer(9 * kBlockAlign, random);
  AlignedBuffer read(written.size());
  drive->Answer(kWrite, 8, {-EFAULT, -EFAULT});
  std::vector<IoRequest> writes = Blocks(IoKind::kWrite, written);
  ASSERT_OK(device->Submit(writes));
  std::vector<IoRequest> reads = Blocks(IoKind::kRead, read);
  drive->Answer(kRead, 16, std::vector<int64_t>(20, -EFAULT));
  ASSERT_OK(device->Submit(reads));
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
  drive->Answer(kRead, 16, std::vector<int64_t>(100, -EFAULT));
  EXPECT_STATUS(device->Submit(reads), StatusCode::kIoError, "no progress after 65 tries");
}

TEST_P(NvmeStatusHandling, ReadOnlyDeviceIssuesNoWrite) {
  const auto device = Opened(/*writable=*/false);
  EXPECT_OK(Transfer(*device, IoKind::kRead));
  EXPECT_STATUS(Transfer(*device, IoKind::kWrite), StatusCode::kFailedPrecondition, "read-only");
  EXPECT_EQ(device->Discard(DeviceOffset(0), kBlockAlign).code(), StatusCode::kFailedPrecondition);
  EXPECT_OK(device->Flush());
  EXPECT_TRUE(drive->Commands(kWrite).empty());
  EXPECT_TRUE(drive->Commands(kDatasetManagement).empty());
  EXPECT_TRUE(drive->Commands(kFlush).empty());
}

TEST_F(NvmeBlockDeviceTest, FlushIsOneCommand) {
  const auto device = Opened();
  EXPECT_OK(device->Flush());
  const auto flushes = drive->Commands(kFlush);
  ASSERT_EQ(flushes.size(), 1u);
  EXPECT_EQ(flushes[0].nsid, FakeNvmeDrive::kNamespaceId);
}

TEST_F(NvmeBlockDeviceTest, DriveWithoutVolatileCacheGetsNoFlush) {
  drive->controller[525] = 0x06;
  const auto device = Opened();
  EXPECT_OK(device->Flush());
  EXPECT_TRUE(drive->Commands(kFlush).empty());
  EXPECT_NE(device->Describe().find("without a volatile write cache"), std::string::npos);
}

// The drive may have lost what it had in its cache, and a second flush would succeed without it (invariant
// 10).
TEST_F(NvmeBlockDeviceTest, FailedFlushIsNeverRetried) {
  for (const int64_t result : {int64_t{0x0082}, int64_t{0x0006}, int64_t{-EINTR}, int64_t{-EAGAIN}}) {
    drive = std::make_shared<FakeNvmeDrive>(kDriveBytes);
    const auto device = Opened();
    drive->Answer(kFlush, 0, {result});
    EXPECT_STATUS(device->Flush(), StatusCode::kIoError, "flush of /dev/ng0n1");
    EXPECT_STATUS(device->Flush(), StatusCode::kIoError, "an earlier flush failed");
    EXPECT_EQ(drive->Commands(kFlush).size(), 1u) << result;
  }
}

TEST_F(NvmeBlockDeviceTest, FullNamespaceInAFlushIsNoLackOfRoom) {
  const auto device = Opened();
  drive->Answer(kFlush, 0, {0x4081});
  EXPECT_STATUS(device->Flush(), StatusCode::kIoError, "capacity exceeded");
}

TEST_F(NvmeBlockDeviceTest, DiscardDeallocatesExactlyTheRange) {
  limits.max_discard_bytes = 3 * kBlockAlign + 512;
  const auto device = Opened();
  AlignedBuffer bytes = RandomBuffer(16 * kBlockAlign, random);
  ASSERT_OK(device->Write(DeviceOffset(0), bytes.bytes()));
  drive->Answer(kDatasetManagement, 0, {0x0082});
  ASSERT_OK(device->Discard(DeviceOffset(4 * kBlockAlign), 8 * kBlockAlign));
  EXPECT_EQ(drive->Commands(kDatasetManagement).size(), 1u + 3);
  AlignedBuffer back(bytes.size());
  ASSERT_OK(device->Read(DeviceOffset(0), back.bytes()));
  EXPECT_TRUE(SameBytes(bytes.bytes().first(4 * kBlockAlign), back.bytes().first(4 * kBlockAlign)));
  EXPECT_TRUE(SameBytes(bytes.bytes().last(4 * kBlockAlign), back.bytes().last(4 * kBlockAlign)));
  EXPECT_TRUE(AllZero(back.bytes().subspan(4 * kBlockAlign, 8 * kBlockAlign)));
  drive->Answer(kDatasetManagement, 0, {0x4182});
  EXPECT_STATUS(device->Discard(DeviceOffset(0), kBlockAlign), StatusCode::kIoError, "read-only range");
}

TEST_F(NvmeBlockDeviceTest, DriveWithoutDatasetManagementCannotDiscard) {
  drive->controller[520] = 0xfb;
  const auto device = Opened();
  EXPECT_FALSE(device->geometry().discard_supported);
  EXPECT_EQ(device->Discard(DeviceOffset(0), kBlockAlign).code(), StatusCode::kNotSupported);
  EXPECT_TRUE(drive->Commands(kDatasetManagement).empty());
}

TEST_F(NvmeBlockDeviceTest, CapacityFollowsTheNamespace) {
  const auto device = Opened();
  FakeNvmeDrive::SetNumber(drive->space, 0, (kDriveBytes >> 9) + 9, 8);
  EXPECT_EQ(device->FindCapacity().value(), kDriveBytes + kBlockAlign);
  FakeNvmeDrive::SetNumber(drive->space, 0, 8, 8);
  EXPECT_STATUS(device->FindCapacity(), StatusCode::kFailedPrecondition, "smaller");
  FakeNvmeDrive::SetNumber(drive->space, 0, kDriveBytes >> 12, 8);
  drive->space[130] = 12;
  EXPECT_STATUS(device->FindCapacity(), StatusCode::kFailedPrecondition, "formatted again");
  EXPECT_EQ(device->Enlarge(8 << 20).code(), StatusCode::kFailedPrecondition);
}

TEST_F(NvmeBlockDeviceTest, UnusableNamespacesAreRefusedByName) {
  const auto refusal = [this](const std::function<void()>& change, StatusCode code, std::string_view text) {
    drive = std::make_shared<FakeNvmeDrive>(kDriveBytes);
    limits = {.max_transfer_bytes = 512 << 10, .max_segments = 127};
    change();
    EXPECT_STATUS(Open(), code, text, kPath);
  };
  refusal([&] { drive->space[128] = 8; }, StatusCode::kNotSupported, "8 bytes of metadata");
  refusal([&] { drive->space[29] = 1; }, StatusCode::kNotSupported, "protection information of type 1");
  refusal([&] { drive->space[130] = 13; }, StatusCode::kNotSupported, "blocks of 8192 bytes");
  refusal([&] { drive->space[99] = 1; }, StatusCode::kFailedPrecondition, "write protected");
  refusal([&] { FakeNvmeDrive::SetNumber(drive->space, 0, 0, 8); }, StatusCode::kNotSupported, "not active");
  refusal([&] { FakeNvmeDrive::SetNumber(drive->space, 0, 7, 8); }, StatusCode::kFailedPrecondition,
          "less than one block");
  refusal([&] { drive->descriptors[4] = 2; }, StatusCode::kNotSupported, "zones");
  refusal([&] { drive->descriptors[4] = 1; }, StatusCode::kNotSupported, "key value");
  refusal([&] { limits.max_transfer_bytes = 0; }, StatusCode::kNotSupported, "cannot transfer 4096 bytes");
  refusal([&] { limits.max_segments = 0; }, StatusCode::kNotSupported, "cannot transfer 4096 bytes");
  refusal([&] { drive->AnswerIdentify(0, {0x4002}); }, StatusCode::kIoError, "invalid field in command");
  refusal([&] { drive->AnswerIdentify(1, {-EACCES}); }, StatusCode::kIoError, "CAP_SYS_ADMIN");
}

TEST_F(NvmeBlockDeviceTest, DriveWithoutDescriptorsHasOrdinaryBlocksUnlessTheKernelSeesZones) {
  drive->AnswerIdentify(3, {0x4002, -EACCES, -EACCES});
  EXPECT_OK(Open());
  EXPECT_OK(Open());
  limits.zoned = true;
  EXPECT_STATUS(Open(), StatusCode::kNotSupported, "zones");
}

TEST_F(NvmeBlockDeviceTest, WriteProtectedNamespaceCanBeRead) {
  drive->space[99] = 1;
  EXPECT_OK(Open(/*writable=*/false));
}

TEST_F(NvmeBlockDeviceTest, IdentifyIsRetriedWithinBounds) {
  drive->AnswerIdentify(0, std::vector<int64_t>(8, 0x0082));
  EXPECT_OK(Open());
  drive->AnswerIdentify(0, std::vector<int64_t>(9, 0x0082));
  EXPECT_STATUS(Open(), StatusCode::kIoError, "namespace not ready");
}

TEST_F(NvmeBlockDeviceTest, MissingRingIsRefusedWithTheCause) {
  NvmeNode node{.fd = OpenUninterrupted("/dev/null", O_RDWR), .writable = true, .limits = limits};
  const auto device =
      NvmeBlockDevice::Make(kPath, std::move(node), std::make_shared<FakeNvmeIo>(drive),
                            {.make = [](int, uint32_t) -> Result<std::unique_ptr<NvmeCommandRing>> {
                              return Status::NotSupported("forbidden here");
                            }});
  EXPECT_STATUS(device, StatusCode::kNotSupported, "forbidden here", "use the block device");
}

// A read of a queue or a session.
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

TEST_F(NvmeBlockDeviceTest, QueuesAndReapedRingsTransferCommands) {
  limits.max_segments = 2;  // a job becomes several commands, one after the other
  const auto device = Opened();
  AlignedBuffer written = RandomBuffer(100 * 5 * kBlockAlign, random);
  AlignedBuffer read(written.size());
  ASSERT_OK(device->Write(DeviceOffset(0), written.bytes()));
  const auto jobs_of = [&](std::atomic<int>& done) {
    std::memset(read.data(), 0, read.size());
    std::vector<std::unique_ptr<CountedJob>> jobs;
    for (uint64_t at = 0; at < read.size(); at += 5 * kBlockAlign) {
      jobs.push_back(std::make_unique<CountedJob>(
          IoRequest{.offset = DeviceOffset(at), .buffer = read.bytes().subspan(at, 5 * kBlockAlign)}, done));
    }
    return jobs;
  };
  drive->Answer(kRead, 5 * 8, {0x0082, 0x0021});

  std::atomic<int> done = 0;
  {
    const auto jobs = jobs_of(done);
    const std::unique_ptr<ReapedRing> ring = device->OpenRing();
    ASSERT_NE(ring, nullptr);
    for (const auto& job : jobs) {
      IoQueue::Job* const one = job.get();
      ring->Add({&one, 1});
    }
    ring->Wake();
    while (ring->Wait(IoRing::kForever)) ring->Reap();
    EXPECT_EQ(done, 100);
    EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
  }
  {
    done = 0;
    const auto jobs = jobs_of(done);
    auto queue = device->OpenQueue();
    ASSERT_OK(queue.status());
    for (const auto& job : jobs) {
      IoQueue::Job* const one = job.get();
      (*queue)->Submit({&one, 1});
    }
    for (int now = done; now < 100; now = done) done.wait(now);
    EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
  }
}

TEST(NvmeRing, RefusesCallsOnceItIsFullAndReturnsTheirTags) {
  const auto drive = std::make_shared<FakeNvmeDrive>(kDriveBytes);
  NvmeRing ring(std::make_unique<FakeNvmeRing>(drive, 2),
                {.target = {.namespace_id = FakeNvmeDrive::kNamespaceId, .transfer_bytes = kBlockAlign},
                 .writable = true,
                 .entries = 2});
  AlignedBuffer memory(3 * kBlockAlign);
  const auto push = [&](uint64_t tag) {
    return ring.Push(
        {.tag = tag, .kind = IoKind::kWrite, .offset = DeviceOffset(0), .buffer = memory.bytes()});
  };
  std::set<uint64_t> tags;
  // Five calls can be on their way, of which two are not submitted.
  uint64_t tag = 1ull << 60;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(push(tag++) && push(tag++));
    EXPECT_FALSE(push(0)) << "the queue has two entries";
    EXPECT_EQ(ring.Submit(), 2);
  }
  EXPECT_TRUE(ring.PushWake(tag++));
  EXPECT_FALSE(push(0)) << "no slot is free";
  EXPECT_EQ(ring.Submit(), 1);
  std::array<IoRing::Completion, 3> ended;
  for (size_t count = 0; (count = ring.Reap(ended)) != 0;) {
    for (size_t i = 0; i < count; ++i) {
      tags.insert(ended[i].tag);
      EXPECT_EQ(ended[i].result, ended[i].tag == tag - 1 ? 0 : int64_t{kBlockAlign});
    }
  }
  EXPECT_EQ(tags.size(), 5u);
  EXPECT_EQ(*tags.begin(), 1ull << 60);
  EXPECT_TRUE(push(1)) << "its slots are free again";
}

TEST(NvmeQueueLimits, AreReadFromTheKernelsFiles) {
  TempDir dir;
  std::ofstream(dir.File("max_hw_sectors_kb")) << "512\n";
  std::ofstream(dir.File("max_segments")) << "127\n";
  std::ofstream(dir.File("discard_max_hw_bytes")) << "2147483136\n";
  std::ofstream(dir.File("zoned")) << "none\n";
  const NvmeQueueLimits limits = ReadNvmeQueueLimits(dir.path());
  EXPECT_EQ(limits.max_transfer_bytes, 512u << 10);
  EXPECT_EQ(limits.max_segments, 127u);
  EXPECT_EQ(limits.max_discard_bytes, 2147483136u);
  EXPECT_FALSE(limits.zoned);
  std::ofstream(dir.File("zoned")) << "host-managed\n";
  EXPECT_TRUE(ReadNvmeQueueLimits(dir.path()).zoned);
  EXPECT_EQ(ReadNvmeQueueLimits(dir.File("absent")).max_transfer_bytes, 0u);
}

}  // namespace
}  // namespace rawkv
