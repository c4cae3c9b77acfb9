// Reads of neighbouring parts that share transfers.

#include "engine/payload/merged_reads.h"

#include <gtest/gtest.h>

#include "blockdev/open_block_device.h"
#include "tests/support/device_seam.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kBlocks = 256;

class MergedReads : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = tmp_.File("device");
    ASSERT_OK(CreateDeviceFile(path, kBlocks * kBlockAlign));
    ASSERT_OK_AND_ASSIGN(OpenedDevice opened, OpenBlockDevice(path, {}));
    for (uint64_t i = 0; i < kBlocks; ++i) {
      std::memset(memory_.data(), static_cast<int>(i), kBlockAlign);
      ASSERT_OK(opened.device->Write(DeviceOffset(i * kBlockAlign), memory_.bytes().first(kBlockAlign)));
    }
    device_ = std::make_unique<DeviceSeam>(std::move(opened.device), [this](const IoRequest& request) {
      ++transfers_;
      const uint64_t begin = request.offset.value() / kBlockAlign;
      const uint64_t end = begin + request.buffer.size() / kBlockAlign;
      return bad_ >= begin && bad_ < end ? std::optional(Status::IoError("bad block")) : std::nullopt;
    });
  }
  // Reads these blocks of the device, one part each, to consecutive blocks of memory. "" if each part that is
  // not bad is right, and each has ended once.
  std::string Read(const std::vector<uint64_t>& blocks) {
    std::memset(memory_.data(), 0xEE, memory_.size());
    transfers_ = 0;
    parts_.clear();
    for (uint64_t i = 0; i < blocks.size(); ++i) {
      parts_.push_back({.kind = IoKind::kRead,
                        .offset = DeviceOffset(blocks[i] * kBlockAlign),
                        .buffer = memory_.bytes().subspan(i * kBlockAlign, kBlockAlign)});
    }
    std::vector<int> ended(blocks.size());
    std::string wrong;
    ReadMerged(*device_, parts_, [&](size_t i) {
      ++ended[i];
      const bool bad = blocks[i] == bad_;
      if (parts_[i].status.ok() == bad) wrong += "status of part " + std::to_string(i) + "\n";
      const auto byte = static_cast<std::byte>(blocks[i]);
      if (!bad && (parts_[i].buffer.front() != byte || parts_[i].buffer.back() != byte)) {
        wrong += "bytes of part " + std::to_string(i) + "\n";
      }
    });
    for (size_t i = 0; i < ended.size(); ++i) {
      if (ended[i] != 1)
        wrong += "part " + std::to_string(i) + " ended " + std::to_string(ended[i]) + " times\n";
    }
    return wrong;
  }

  TempDir tmp_;
  AlignedBuffer memory_{kBlocks * kBlockAlign};
  std::unique_ptr<DeviceSeam> device_;
  std::vector<IoRequest> parts_;
  uint64_t bad_ = UINT64_MAX;  // this block cannot be read
  uint64_t transfers_ = 0;
};

TEST_F(MergedReads, NeighboursShareATransferOfAtMost256Kib) {
  std::vector<uint64_t> blocks;
  for (uint64_t i = 10; i < 210; ++i) blocks.push_back(i);
  EXPECT_EQ(Read(blocks), "");
  EXPECT_EQ(transfers_, 4u);  // 64 + 64 + 64 + 8 blocks
}

TEST_F(MergedReads, OtherPartsStayAlone) {
  EXPECT_EQ(Read({7, 9, 8, 8, 20, 21}), "");
  EXPECT_EQ(transfers_, 5u);
  EXPECT_EQ(Read({}), "");
  EXPECT_EQ(transfers_, 0u);
}

TEST_F(MergedReads, ErrorIsThatOfItsPart) {
  bad_ = 12;
  EXPECT_EQ(Read({10, 11, 12, 13, 50, 51}), "");
  EXPECT_EQ(transfers_, 2u + 4u);
  EXPECT_EQ(Read({12}), "");
  EXPECT_EQ(transfers_, 1u);
}

TEST_F(MergedReads, PartThatTheDeviceRefusesHasAnError) {
  parts_.push_back({.kind = IoKind::kRead,
                    .offset = DeviceOffset(kBlocks * kBlockAlign),
                    .buffer = memory_.bytes().first(kBlockAlign)});
  size_t ended = 0;
  ReadMerged(*device_, parts_, [&](size_t) { ++ended; });
  EXPECT_EQ(ended, 1u);
  EXPECT_STATUS(parts_[0].status, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rawkv
