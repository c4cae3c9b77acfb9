#include <gtest/gtest.h>

#include <cerrno>

#include "tests/blockdev/device_under_test.h"
#include "tests/blockdev/faulty_io.h"
#include "tests/blockdev/test_bytes.h"

namespace rawkv {
namespace {

// The behaviour of every engine when system calls are interrupted, short or failing.
class BlockDeviceFaults : public DeviceSuite {
 protected:
  static constexpr uint64_t kRequestBytes = 4 * kBlockAlign;
  static constexpr size_t kRequests = 24;

  void SetUp() override {
    DeviceSuite::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Reopen();
  }

  void Reopen() {
    device.reset();
    auto opened = Open(4, FaultySeams(plan));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    device = std::move(opened->device);
  }

  static uint64_t OffsetOf(size_t request) { return request * kRequestBytes; }

  std::vector<IoRequest> Batch(IoKind kind, AlignedBuffer& memory) {
    std::vector<IoRequest> out;
    for (size_t i = 0; i < kRequests; ++i) {
      out.push_back({.kind = kind,
                     .offset = DeviceOffset(OffsetOf(i)),
                     .buffer = memory.bytes().subspan(OffsetOf(i), kRequestBytes)});
    }
    return out;
  }

  // Runs a batch and checks that every request ended once.
  Status Submit(std::vector<IoRequest>& batch) {
    std::vector<int> done(batch.size(), 0);
    const Status status = device->Submit(batch, [&](size_t index) { ++done[index]; });
    EXPECT_EQ(done, std::vector<int>(batch.size(), 1));
    return status;
  }

  std::mt19937_64 random{11};
  std::shared_ptr<FaultPlan> plan = std::make_shared<FaultPlan>();
  std::unique_ptr<BlockDevice> device;
  AlignedBuffer written = RandomBuffer(kRequests * kRequestBytes, random);
  AlignedBuffer read{kRequests * kRequestBytes};
};

INSTANTIATE_TEST_SUITE_P(Devices, BlockDeviceFaults, testing::ValuesIn(AllDeviceCases()),
                         [](const auto& test) { return NameOf(test.param); });

TEST_P(BlockDeviceFaults, TransientFaultsAreRetriedToSuccess) {
  const auto add_faults = [this] {
    plan->Add(OffsetOf(0), {-EINTR, -EAGAIN, -EINTR});
    plan->Add(OffsetOf(3), {4096});                 // three blocks are left
    plan->Add(OffsetOf(3) + 4096, {-EINTR, 8192});  // then one
    plan->Add(OffsetOf(5), {100, 4095, 9000});      // less than a block, twice; then two blocks and a bit
    plan->Add(OffsetOf(5) + 8192, {-EAGAIN, 8191});
    plan->Add(OffsetOf(5) + 12288, {-EINTR, 1});
    plan->Add(OffsetOf(23), std::vector<int64_t>(20, -EAGAIN));
  };
  add_faults();
  std::vector<IoRequest> writes = Batch(IoKind::kWrite, written);
  ASSERT_TRUE(Submit(writes).ok());
  EXPECT_TRUE(plan->Empty());
  add_faults();
  std::vector<IoRequest> reads = Batch(IoKind::kRead, read);
  ASSERT_TRUE(Submit(reads).ok());
  EXPECT_TRUE(plan->Empty());
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
}

TEST_P(BlockDeviceFaults, FailureOfOneRequestDoesNotFailOthers) {
  for (const IoKind kind : {IoKind::kWrite, IoKind::kRead}) {
    plan->Add(OffsetOf(7), {-EIO});
    plan->Add(OffsetOf(4), {4096});
    plan->Add(OffsetOf(4) + 4096, {-ENXIO});
    AlignedBuffer& memory = kind == IoKind::kWrite ? written : read;
    std::vector<IoRequest> batch = Batch(kind, memory);
    const Status status = Submit(batch);
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_EQ(status.message(), batch[4].status.message()) << "the first in batch order";
    EXPECT_NE(status.message().find(path()), std::string::npos);
    EXPECT_EQ(batch[7].status.code(), StatusCode::kIoError);
    for (size_t i = 0; i < kRequests; ++i) {
      if (i == 4 || i == 7) continue;
      EXPECT_TRUE(batch[i].status.ok()) << i << batch[i].status.ToString();
    }
    if (kind == IoKind::kWrite) continue;
    for (size_t i = 0; i < kRequests; ++i) {
      if (i == 4 || i == 7) continue;
      EXPECT_TRUE(SameBytes(batch[i].buffer, written.bytes().subspan(OffsetOf(i), kRequestBytes))) << i;
    }
  }
}

TEST_P(BlockDeviceFaults, PersistentInterruptionIsAnErrorThatNamesIt) {
  plan->Add(OffsetOf(2), std::vector<int64_t>(100, -EAGAIN));
  std::vector<IoRequest> reads = Batch(IoKind::kRead, read);
  const Status status = Submit(reads);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("no progress after"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("Resource temporarily unavailable"), std::string::npos);
  EXPECT_TRUE(reads[1].status.ok());
  EXPECT_TRUE(reads[3].status.ok());
}

TEST_P(BlockDeviceFaults, ZeroBytesInsideTheCapacityIsAnError) {
  plan->Add(OffsetOf(1), {0});
  std::vector<IoRequest> reads = Batch(IoKind::kRead, read);
  EXPECT_EQ(Submit(reads).code(), StatusCode::kIoError);
  plan->Add(OffsetOf(1), {4096});
  plan->Add(OffsetOf(1) + 4096, {0});
  std::vector<IoRequest> writes = Batch(IoKind::kWrite, written);
  EXPECT_EQ(Submit(writes).code(), StatusCode::kIoError);
}

TEST_P(BlockDeviceFaults, FullFilesystemBelowIsNoSpace) {
  plan->Add(OffsetOf(9), {-ENOSPC});
  std::vector<IoRequest> writes = Batch(IoKind::kWrite, written);
  EXPECT_EQ(Submit(writes).code(), StatusCode::kNoSpace);
}

TEST_P(BlockDeviceFaults, SingleRequestsAreRetriedToo) {
  plan->Add(0, {-EINTR, 4096});
  plan->Add(4096, {-EAGAIN, 5000});
  ASSERT_TRUE(device->Write(DeviceOffset(0), written.bytes()).ok());
  EXPECT_TRUE(plan->Empty());
  ASSERT_TRUE(device->Read(DeviceOffset(0), read.bytes()).ok());
  EXPECT_TRUE(SameBytes(written.bytes(), read.bytes()));
}

// Invariant 10: after a failed sync the kernel marks the pages clean, so a retry would report a false
// success.
TEST_P(BlockDeviceFaults, FailedFlushIsNeverRetriedByTheDevice) {
  int tries = 0;
  for (const int error : {EIO, EINTR, ENOSPC}) {
    ASSERT_NO_FATAL_FAILURE(Reopen());
    plan->sync_answer = -error;
    EXPECT_EQ(device->Flush().code(), StatusCode::kIoError);
    EXPECT_EQ(plan->syncs, ++tries);
  }
}

// The system reports a lost write once. A flush that succeeded after that would acknowledge the lost write.
TEST_P(BlockDeviceFaults, NoFlushSucceedsAfterOneThatFailed) {
  ASSERT_TRUE(device->Flush().ok());
  plan->sync_answer = -EIO;
  const Status first = device->Flush();
  EXPECT_EQ(first.code(), StatusCode::kIoError);
  plan->sync_answer = 0;
  const int tries = plan->syncs;
  const Status second = device->Flush();
  EXPECT_EQ(second.code(), StatusCode::kIoError);
  EXPECT_NE(second.message().find(first.message()), std::string::npos) << second.ToString();
  EXPECT_EQ(plan->syncs, tries) << "must not ask the system again";
  ASSERT_NO_FATAL_FAILURE(Reopen());
  EXPECT_TRUE(device->Flush().ok());
}

}  // namespace
}  // namespace rawkv
