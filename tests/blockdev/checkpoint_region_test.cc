// The two halves of the metadata region: what is written comes back, and no flipped byte passes.
#include "blockdev/checkpoint_region.h"

#include <gtest/gtest.h>

#include "tests/blockdev/memory_device.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

constexpr uint64_t kRegionBytes = 4 << 20;
constexpr uint64_t kRegionOffset = 8192;

class CheckpointRegionTest : public testing::Test {
 protected:
  CheckpointHeader Write(int half, uint64_t sequence, const std::vector<std::string>& blocks) {
    CheckpointBlockWriter writer(region_, half, sequence);
    for (size_t i = 0; i < blocks.size(); ++i) {
      const bool last = i + 1 == blocks.size();
      EXPECT_OK(writer.Write(
          blocks[i], last ? CheckpointBlockWriter::Place::kLast : CheckpointBlockWriter::Place::kMiddle));
    }
    const CheckpointHeader header{.sequence = sequence,
                                  .owner_version = sequence,
                                  .content_bytes = writer.content_bytes(),
                                  .content_checksum = writer.content_checksum()};
    EXPECT_OK(region_.WriteHeader(half, header));
    return header;
  }
  Result<std::vector<std::string>> Read(int half, const CheckpointHeader& header) {
    std::vector<std::string> blocks;
    RAWKV_RETURN_IF_ERROR(region_.ReadContent(half, header, [&](std::string_view payload) {
      blocks.emplace_back(payload);
      return Status::Ok();
    }));
    return blocks;
  }
  void Flip(uint64_t at) {
    AlignedBuffer block(kBlockAlign);
    const DeviceOffset begin(at / kBlockAlign * kBlockAlign);
    ASSERT_OK(device_.Read(begin, block.bytes()));
    block.data()[at % kBlockAlign] ^= std::byte{0x10};
    ASSERT_OK(device_.Write(begin, block.bytes()));
  }

  MemoryDevice device_{8 << 20};
  const DeviceLayout layout_ = *PlanLayout(8 << 20, 4096, 0, kRegionBytes);
  CheckpointRegion region_{device_, layout_};
};

TEST_F(CheckpointRegionTest, ReturnsTheBlocksOfBothHalves) {
  const std::vector<std::string> many = {std::string(CheckpointRegion::kBlockPayloadBytes, 'a'), "",
                                         std::string(5000, 'c')};
  const CheckpointHeader first = Write(0, 1, many);
  const CheckpointHeader second = Write(1, 2, {"b"});
  EXPECT_EQ(second.content_bytes, kBlockAlign);
  const auto found = region_.Inspect();
  EXPECT_EQ(found[0].header, first);
  EXPECT_EQ(found[1].header, second);
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> read, Read(0, first));
  EXPECT_EQ(read, many);
  EXPECT_OK(region_.Erase(0));
  EXPECT_EQ(region_.Inspect()[0].status.code(), StatusCode::kNotFound);
  EXPECT_EQ(region_.Inspect()[1].header, second);
}

TEST_F(CheckpointRegionTest, EveryFlippedByteIsRefusedAndTheOtherHalfStays) {
  const CheckpointHeader older = Write(0, 1, {"older"});
  const CheckpointHeader newer = Write(1, 2, {"newer"});
  const uint64_t begin = kRegionOffset + kRegionBytes / 2;
  for (uint64_t at = begin; at < begin + kCheckpointHeaderBytes + newer.content_bytes; ++at) {
    Flip(at);
    const auto found = region_.Inspect();
    ASSERT_FALSE(found[1].header && Read(1, *found[1].header).ok()) << at;
    ASSERT_EQ(found[0].header, older) << at;
    Flip(at);
  }
  EXPECT_OK(Read(0, older).status());
  EXPECT_OK(Read(1, newer).status());
}

TEST_F(CheckpointRegionTest, BlocksOfAnOlderCheckpointAreRefused) {
  const CheckpointHeader older = Write(0, 1, {std::string(100, 'a')});
  const CheckpointHeader newer = Write(0, 2, {std::string(100, 'b')});
  EXPECT_STATUS(Read(0, older), StatusCode::kCorruption);
  CheckpointHeader mixed = newer;
  mixed.content_checksum = older.content_checksum;
  EXPECT_STATUS(Read(0, mixed), StatusCode::kCorruption);
  EXPECT_STATUS(Read(1, newer), StatusCode::kCorruption) << "of the other half";
}

TEST_F(CheckpointRegionTest, FullHalfIsRefusedAndTheOtherIsUntouched) {
  const CheckpointHeader other = Write(1, 1, {"other"});
  CheckpointBlockWriter writer(region_, 0, 2);
  const std::string block(CheckpointRegion::kBlockPayloadBytes, 'x');
  Status written;
  uint64_t blocks = 0;
  while (written.ok()) {
    written = writer.Write(block, CheckpointBlockWriter::Place::kMiddle);
    blocks += written.ok() ? 1 : 0;
  }
  EXPECT_STATUS(written, StatusCode::kNoSpace);
  EXPECT_EQ(blocks, (kRegionBytes / 2 - kCheckpointHeaderBytes) / CheckpointRegion::kBlockBytes);
  EXPECT_OK(Read(1, other).status());
}

TEST_F(CheckpointRegionTest, HeaderLongerThanItsHalfIsRefused) {
  CheckpointHeader header = Write(0, 1, {"block"});
  header.content_bytes = kRegionBytes;
  EXPECT_OK(region_.WriteHeader(0, header));
  EXPECT_EQ(region_.Inspect()[0].status.code(), StatusCode::kCorruption);
  EXPECT_STATUS(Read(0, header), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
