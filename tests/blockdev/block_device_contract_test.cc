#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <numeric>
#include <thread>

#include "tests/blockdev/device_under_test.h"
#include "tests/blockdev/test_bytes.h"

namespace rawkv {
namespace {

// The contract of blockdev/block_device.h, for every engine on every kind of device.
class BlockDeviceContract : public DeviceSuite {};

INSTANTIATE_TEST_SUITE_P(Devices, BlockDeviceContract, testing::ValuesIn(AllDeviceCases()),
                         [](const auto& test) { return NameOf(test.param); });

INSTANTIATE_TEST_SUITE_P(Drives, BlockDeviceContract, testing::Values(NvmeDeviceCase()),
                         [](const auto& test) { return NameOf(test.param); });

// A range of a device and its expected bytes. Each request of a batch has its own region.
class Model {
 public:
  static constexpr uint64_t kRegionBytes = 8 * kBlockAlign;

  Model(uint64_t first_offset, size_t regions, uint64_t seed)
      : first_offset_(first_offset), bytes_(regions * kRegionBytes), random_(seed) {
    FillRandom(bytes_.bytes(), random_);
  }

  ConstBytes bytes() const { return bytes_.bytes(); }
  uint64_t offset() const { return first_offset_; }

  // Makes writes of random bytes to random parts of the regions, in random order, and records them.
  std::vector<IoRequest> Writes() {
    return Requests(IoKind::kWrite, bytes_.bytes(), [this](Bytes part) { FillRandom(part, random_); });
  }
  // Makes reads of random parts into `scratch`, at the same offsets.
  std::vector<IoRequest> Reads(AlignedBuffer& scratch) {
    return Requests(IoKind::kRead, scratch.bytes(), [](Bytes) {});
  }
  void ExpectRead(const IoRequest& request) {
    const uint64_t at = request.offset.value() - first_offset_;
    EXPECT_TRUE(SameBytes(request.buffer, bytes_.bytes().subspan(at, request.buffer.size())))
        << "at " << request.offset.value();
  }

 private:
  template <typename Prepare>
  std::vector<IoRequest> Requests(IoKind kind, Bytes memory, Prepare prepare) {
    std::vector<IoRequest> out;
    for (uint64_t region = 0; region < memory.size(); region += kRegionBytes) {
      const uint64_t skip = random_() % 8;
      const uint64_t blocks = 1 + random_() % (8 - skip);
      const Bytes part = memory.subspan(region + skip * kBlockAlign, blocks * kBlockAlign);
      prepare(part);
      out.push_back({.kind = kind,
                     .offset = DeviceOffset(first_offset_ + region + skip * kBlockAlign),
                     .buffer = part});
    }
    std::shuffle(out.begin(), out.end(), random_);
    return out;
  }

  const uint64_t first_offset_;
  AlignedBuffer bytes_;
  std::mt19937_64 random_;
};

TEST_P(BlockDeviceContract, ReportsItsGeometry) {
  auto opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const Geometry& geometry = opened->device->geometry();
  EXPECT_EQ(opened->used, GetParam().engine);
  EXPECT_EQ(opened->device->path(), path());
  EXPECT_EQ(geometry.capacity_bytes, kCapacity);
  const std::map<Backing, DeviceKind> kinds = {{Backing::kFile, DeviceKind::kFile},
                                               {Backing::kLoop, DeviceKind::kBlockDevice},
                                               {Backing::kNvme, DeviceKind::kNvmeChar}};
  EXPECT_EQ(geometry.kind, kinds.at(GetParam().backing));
  const bool asked_direct = GetParam().cache == CacheMode::kDirect;
  if (!asked_direct || GetParam().backing == Backing::kLoop) {
    EXPECT_EQ(geometry.direct, asked_direct);
  }
}

TEST_P(BlockDeviceContract, AFileBecomesLargerWhileItIsOpen) {
  auto opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  BlockDevice& device = *opened->device;
  ASSERT_EQ(*device.FindCapacity(), kCapacity);
  EXPECT_EQ(device.Enlarge(kCapacity).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device.Enlarge(kCapacity + 1).code(), StatusCode::kInvalidArgument);
  const Status enlarged = device.Enlarge(kCapacity + kBlockAlign);
  if (device.geometry().kind != DeviceKind::kFile) {
    EXPECT_EQ(enlarged.code(), StatusCode::kNotSupported);
    return;
  }
  ASSERT_TRUE(enlarged.ok()) << enlarged.ToString();
  AlignedBuffer block(kBlockAlign);
  EXPECT_EQ(device.Read(DeviceOffset(kCapacity), block.bytes()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*device.FindCapacity(), kCapacity + kBlockAlign);
  EXPECT_EQ(device.geometry().capacity_bytes, kCapacity + kBlockAlign);
  EXPECT_TRUE(device.Write(DeviceOffset(kCapacity), block.bytes()).ok());
  EXPECT_TRUE(device.Read(DeviceOffset(kCapacity), block.bytes()).ok());
  std::filesystem::resize_file(path(), kCapacity);
  const Result<uint64_t> smaller = device.FindCapacity();
  EXPECT_EQ(smaller.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(smaller.status().message().find(std::to_string(kCapacity)), std::string::npos);
  EXPECT_EQ(device.geometry().capacity_bytes, kCapacity + kBlockAlign);
}

TEST_P(BlockDeviceContract, BatchesLargerThanTheQueueRoundTrip) {
  for (const uint32_t depth : {1u, 2u, 4u, 64u}) {
    SCOPED_TRACE("depth " + std::to_string(depth));
    auto opened = Open(depth);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    BlockDevice& device = *opened->device;
    Model model(kBlockAlign, 16 * depth, depth);
    ASSERT_TRUE(device.Write(DeviceOffset(model.offset()), model.bytes()).ok());
    AlignedBuffer scratch(model.bytes().size());
    for (int round = 0; round < 3; ++round) {
      std::vector<IoRequest> writes = model.Writes();
      ASSERT_TRUE(device.Submit(writes).ok());
      std::vector<IoRequest> reads = model.Reads(scratch);
      ASSERT_TRUE(device.Submit(reads).ok());
      for (const IoRequest& read : reads) model.ExpectRead(read);
    }
    ASSERT_TRUE(device.Flush().ok());
  }
}

TEST_P(BlockDeviceContract, OneBatchMayReadAndWrite) {
  auto opened = Open(4);
  ASSERT_TRUE(opened.ok());
  Model left(0, 32, 1);
  Model right(32 * Model::kRegionBytes, 32, 2);
  ASSERT_TRUE(opened->device->Write(DeviceOffset(left.offset()), left.bytes()).ok());
  ASSERT_TRUE(opened->device->Write(DeviceOffset(right.offset()), right.bytes()).ok());
  AlignedBuffer scratch(left.bytes().size());
  std::vector<IoRequest> batch = left.Reads(scratch);
  for (IoRequest& write : right.Writes()) batch.push_back(write);
  ASSERT_TRUE(opened->device->Submit(batch).ok());
  for (const IoRequest& request : batch) {
    if (request.kind == IoKind::kRead) left.ExpectRead(request);
  }
  std::vector<IoRequest> reads = right.Reads(scratch);
  ASSERT_TRUE(opened->device->Submit(reads).ok());
  for (const IoRequest& read : reads) right.ExpectRead(read);
}

TEST_P(BlockDeviceContract, LargestBatchIsOneSubmit) {
  auto opened = Open(64);
  ASSERT_TRUE(opened.ok());
  AlignedBuffer block(kBlockAlign);
  std::vector<IoRequest> batch(BlockDevice::kMaxBatch);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i] = {.kind = IoKind::kWrite, .offset = DeviceOffset(i * kBlockAlign), .buffer = block.bytes()};
  }
  EXPECT_TRUE(opened->device->Submit(batch).ok());
}

TEST_P(BlockDeviceContract, OnDoneRunsOncePerRequestOnTheSubmittingThread) {
  for (const size_t size : {size_t{1}, size_t{100}}) {
    auto opened = Open(8);
    ASSERT_TRUE(opened.ok());
    Model model(0, size, 3);
    ASSERT_TRUE(opened->device->Write(DeviceOffset(0), model.bytes()).ok());
    AlignedBuffer scratch(model.bytes().size());
    std::vector<IoRequest> reads = model.Reads(scratch);
    std::vector<int> done(reads.size(), 0);
    const std::thread::id submitter = std::this_thread::get_id();
    ASSERT_TRUE(opened->device
                    ->Submit(reads,
                             [&](size_t index) {
                               EXPECT_EQ(std::this_thread::get_id(), submitter);
                               ++done[index];
                               model.ExpectRead(reads[index]);  // complete by now
                             })
                    .ok());
    EXPECT_EQ(done, std::vector<int>(reads.size(), 1));
  }
}

TEST_P(BlockDeviceContract, ManyThreadsSubmitAtOnce) {
  auto opened = Open(4);
  ASSERT_TRUE(opened.ok());
  BlockDevice& device = *opened->device;
  constexpr uint64_t kThreads = 20;  // more than the number of rings
  constexpr uint64_t kRegions = 24;
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Model model(t * kRegions * Model::kRegionBytes, kRegions, 100 + t);
      AlignedBuffer scratch(model.bytes().size());
      while (!go) std::this_thread::yield();
      EXPECT_TRUE(device.Write(DeviceOffset(model.offset()), model.bytes()).ok());
      for (int round = 0; round < 4; ++round) {
        std::vector<IoRequest> writes = model.Writes();
        EXPECT_TRUE(device.Submit(writes).ok());
        EXPECT_TRUE(round != 2 || device.Flush().ok());
        std::vector<IoRequest> reads = model.Reads(scratch);
        EXPECT_TRUE(device.Submit(reads).ok());
        for (const IoRequest& read : reads) model.ExpectRead(read);
      }
    });
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_P(BlockDeviceContract, LastBlockIsInsideAndTheNextIsOutside) {
  auto opened = Open();
  ASSERT_TRUE(opened.ok());
  std::mt19937_64 random(5);
  AlignedBuffer block = RandomBuffer(kBlockAlign, random);
  AlignedBuffer back(kBlockAlign);
  const DeviceOffset last(kCapacity - kBlockAlign);
  ASSERT_TRUE(opened->device->Write(last, block.bytes()).ok());
  ASSERT_TRUE(opened->device->Read(last, back.bytes()).ok());
  EXPECT_TRUE(SameBytes(block.bytes(), back.bytes()));
  const DeviceCounters before = opened->device->counters();
  EXPECT_EQ(opened->device->Read(DeviceOffset(kCapacity), back.bytes()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(opened->device->Write(DeviceOffset(512), back.bytes()).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(opened->device->counters().reads, before.reads);
  EXPECT_EQ(opened->device->counters().writes, before.writes);
}

TEST_P(BlockDeviceContract, FlushedWritesSurviveReopening) {
  std::mt19937_64 random(6);
  AlignedBuffer bytes = RandomBuffer(1 << 20, random);
  {
    auto opened = Open();
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(opened->device->Write(DeviceOffset(65536), bytes.bytes()).ok());
    ASSERT_TRUE(opened->device->Flush().ok());
  }
  auto opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  AlignedBuffer back(bytes.size());
  ASSERT_TRUE(opened->device->Read(DeviceOffset(65536), back.bytes()).ok());
  EXPECT_TRUE(SameBytes(bytes.bytes(), back.bytes()));
}

TEST_P(BlockDeviceContract, DiscardDoesNotChangeNeighbours) {
  auto opened = Open();
  ASSERT_TRUE(opened.ok());
  BlockDevice& device = *opened->device;
  std::mt19937_64 random(7);
  AlignedBuffer bytes = RandomBuffer(3 * 65536, random);
  ASSERT_TRUE(device.Write(DeviceOffset(0), bytes.bytes()).ok());
  const Status discarded = device.Discard(DeviceOffset(65536), 65536);
  if (device.geometry().discard_supported) {
    EXPECT_TRUE(discarded.ok()) << discarded.ToString();
  } else {
    EXPECT_EQ(discarded.code(), StatusCode::kNotSupported);
  }
  AlignedBuffer back(bytes.size());
  ASSERT_TRUE(device.Read(DeviceOffset(0), back.bytes()).ok());
  EXPECT_TRUE(SameBytes(bytes.bytes().first(65536), back.bytes().first(65536)));
  EXPECT_TRUE(SameBytes(bytes.bytes().last(65536), back.bytes().last(65536)));
  EXPECT_EQ(device.geometry().capacity_bytes, kCapacity);
  ASSERT_TRUE(device.Write(DeviceOffset(65536), bytes.bytes().first(65536)).ok());
}

TEST_P(BlockDeviceContract, SecondWriterIsRefusedWhileTheFirstIsOpen) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  const auto second = Open();
  EXPECT_EQ(second.status().code(), StatusCode::kBusy) << second.status().ToString();
  EXPECT_TRUE(OpenBlockDevice(path(), {.engine = GetParam().engine, .writable = false}).ok());
  first->device.reset();
  const auto third = Open();
  EXPECT_TRUE(third.ok()) << third.status().ToString();
}

}  // namespace
}  // namespace rawkv
