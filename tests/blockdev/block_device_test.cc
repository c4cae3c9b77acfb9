#include "blockdev/block_device.h"

#include <gtest/gtest.h>

#include "tests/blockdev/memory_device.h"
#include "tests/blockdev/test_bytes.h"

namespace rawkv {
namespace {

constexpr uint64_t kCapacity = 64 * kBlockAlign;

IoRequest Read(uint64_t offset, Bytes buffer) {
  return {.kind = IoKind::kRead, .offset = DeviceOffset(offset), .buffer = buffer};
}

TEST(BlockDevice, RefusesOutOfBoundsOrUnalignedRequestsWithoutIo) {
  MemoryDevice device(kCapacity);
  AlignedBuffer buffer(2 * kBlockAlign);
  const Bytes block = buffer.bytes().first(kBlockAlign);
  const std::pair<uint64_t, Bytes> wrong[] = {
      {kCapacity, block},                               // past the end
      {kCapacity - kBlockAlign, buffer.bytes()},        // across the end
      {UINT64_MAX / kBlockAlign * kBlockAlign, block},  // offset + length overflows
      {512, block},                                     // offset
      {0, buffer.bytes().first(512)},                   // length
      {0, buffer.bytes().subspan(512, kBlockAlign)},    // memory
      {0, buffer.bytes().first(0)},                     // nothing
  };
  for (const auto& [offset, bytes] : wrong) {
    EXPECT_EQ(device.Read(DeviceOffset(offset), bytes).code(), StatusCode::kInvalidArgument) << offset;
    EXPECT_EQ(device.Write(DeviceOffset(offset), bytes).code(), StatusCode::kInvalidArgument) << offset;
  }
  EXPECT_EQ(device.Discard(DeviceOffset(512), kBlockAlign).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.Discard(DeviceOffset(0), 100).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.Discard(DeviceOffset(kBlockAlign), kCapacity).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.submitted(), 0u);
  EXPECT_EQ(device.counters().reads + device.counters().writes, 0u);
}

TEST(BlockDevice, OneInvalidRequestRefusesTheWholeBatch) {
  MemoryDevice device(kCapacity);
  AlignedBuffer buffer(2 * kBlockAlign);
  IoRequest batch[] = {Read(0, buffer.bytes().first(kBlockAlign)),
                       Read(7, buffer.bytes().subspan(kBlockAlign))};
  const Status status = device.Submit(batch, [](size_t) { FAIL() << "no request was submitted"; });
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  for (const IoRequest& request : batch) EXPECT_EQ(request.status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.submitted(), 0u);
}

TEST(BlockDevice, RefusesATooLargeBatch) {
  MemoryDevice device(kCapacity);
  AlignedBuffer buffer(kBlockAlign);
  std::vector<IoRequest> batch(BlockDevice::kMaxBatch + 1, Read(0, buffer.bytes()));
  EXPECT_EQ(device.Submit(batch).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.submitted(), 0u);
  batch.pop_back();
  EXPECT_TRUE(device.Submit(batch).ok());
}

TEST(BlockDevice, ReturnsTheFirstFailureInBatchOrder) {
  MemoryDevice device(kCapacity);
  device.MakeUnreadable(2 * kBlockAlign);
  device.MakeUnreadable(3 * kBlockAlign);
  AlignedBuffer buffer(4 * kBlockAlign);
  std::vector<IoRequest> batch;
  for (uint64_t i = 0; i < 4; ++i) {
    batch.push_back(Read(i * kBlockAlign, buffer.bytes().subspan(i * kBlockAlign, kBlockAlign)));
  }
  EXPECT_EQ(device.Submit(batch).code(), StatusCode::kIoError);
  EXPECT_TRUE(batch[0].status.ok());
  EXPECT_TRUE(batch[1].status.ok());
  EXPECT_EQ(batch[2].status.code(), StatusCode::kIoError);
  EXPECT_EQ(batch[3].status.code(), StatusCode::kIoError);
}

TEST(BlockDevice, CountsEachRequestOnce) {
  MemoryDevice device(kCapacity);
  AlignedBuffer buffer(3 * kBlockAlign);
  ASSERT_TRUE(device.Write(DeviceOffset(0), buffer.bytes()).ok());
  ASSERT_TRUE(device.Read(DeviceOffset(0), buffer.bytes().first(kBlockAlign)).ok());
  ASSERT_TRUE(device.Read(DeviceOffset(0), buffer.bytes()).ok());
  ASSERT_TRUE(device.Flush().ok());
  const DeviceCounters counters = device.counters();
  EXPECT_EQ(counters.writes, 1u);
  EXPECT_EQ(counters.written_bytes, 3 * kBlockAlign);
  EXPECT_EQ(counters.reads, 2u);
  EXPECT_EQ(counters.read_bytes, 4 * kBlockAlign);
  EXPECT_EQ(counters.flushes, 1u);
}

TEST(BlockDevice, EmptyBatchAndEmptyDiscardAreOk) {
  MemoryDevice device(kCapacity);
  EXPECT_TRUE(device.Submit({}).ok());
  EXPECT_TRUE(device.Discard(DeviceOffset(kCapacity), 0).ok());
}

TEST(BlockDevice, KindsHaveNames) {
  EXPECT_EQ(DeviceKindName(DeviceKind::kFile), "file");
  EXPECT_EQ(DeviceKindName(DeviceKind::kBlockDevice), "block");
  EXPECT_EQ(DeviceKindName(DeviceKind::kNvmeChar), "nvme");
  EXPECT_EQ(DeviceKindName(DeviceKind::kMemory), "memory");
}

}  // namespace
}  // namespace rawkv
