#include "blockdev/nvme_command.h"

#include <gtest/gtest.h>
#include <linux/nvme_ioctl.h>

#include <array>
#include <cstring>
#include <vector>

#include "tests/blockdev/test_bytes.h"

namespace rawkv {
namespace {

// The eighteen 32-bit words of a command, so that a test shows every bit.
using Words = std::array<uint32_t, 18>;
Words WordsOf(const nvme_uring_cmd& command) {
  static_assert(sizeof(Words) == sizeof(command));
  Words words{};
  std::memcpy(words.data(), &command, sizeof(command));
  return words;
}

Bytes MemoryAt(uintptr_t address, size_t size) {
  return {reinterpret_cast<std::byte*>(address), size};
}

constexpr uintptr_t kMemory = 0x1122334455667000;
constexpr NvmeTarget kSmallBlocks{.namespace_id = 7, .block_bytes = 512};
constexpr NvmeTarget kLargeBlocks{.namespace_id = 7, .block_bytes = 4096};

TEST(NvmeCommand, ReadHasItsWordsInPlace) {
  const DeviceOffset offset((uint64_t{0xabcd'1234'5678} << 9));
  EXPECT_EQ(
      WordsOf(EncodeNvmeTransfer(kSmallBlocks, IoKind::kRead, offset, MemoryAt(kMemory, 8192), NvmeFua::kNo)),
      (Words{0x02, 7, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 8192, 0x12345678, 0xabcd, 15}));
}

TEST(NvmeCommand, WriteCountsBlocksOfTheFormat) {
  const DeviceOffset offset(uint64_t{9} * 4096);
  EXPECT_EQ(WordsOf(EncodeNvmeTransfer(kLargeBlocks, IoKind::kWrite, offset, MemoryAt(kMemory, 8192),
                                       NvmeFua::kNo)),
            (Words{0x01, 7, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 8192, 9, 0, 1}));
  EXPECT_EQ(WordsOf(EncodeNvmeTransfer(kSmallBlocks, IoKind::kWrite, offset, MemoryAt(kMemory, 32 << 20),
                                       NvmeFua::kNo)),
            (Words{0x01, 7, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 32 << 20, 72, 0, 65535}));
}

TEST(NvmeCommand, ForceUnitAccessIsBitThirtyOfAWrite) {
  const auto flags = [](IoKind kind) {
    return EncodeNvmeTransfer(kLargeBlocks, kind, DeviceOffset(0), MemoryAt(kMemory, 4096), NvmeFua::kYes)
        .cdw12;
  };
  EXPECT_EQ(flags(IoKind::kWrite), 0x40000000u);
  EXPECT_EQ(flags(IoKind::kRead), 0u);
}

TEST(NvmeCommand, FlushNamesOnlyTheNamespace) {
  EXPECT_EQ(WordsOf(EncodeNvmeFlush(kSmallBlocks)), (Words{0x00, 7}));
}

TEST(NvmeCommand, DeallocatePassesOneRange) {
  NvmeRange range = EncodeNvmeRange(kSmallBlocks, DeviceOffset(uint64_t{0x123456789a} << 9), 4096);
  const std::vector<uint8_t> bytes(std::begin(range.bytes), std::end(range.bytes));
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0, 0, 0, 0, 8, 0, 0, 0, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0}));
  const auto address = reinterpret_cast<uintptr_t>(range.bytes);
  EXPECT_EQ(WordsOf(EncodeNvmeDeallocate(kSmallBlocks, range)),
            (Words{0x09, 7, 0, 0, 0, 0, static_cast<uint32_t>(address), static_cast<uint32_t>(address >> 32),
                   0, 16, 0, 4}));
}

TEST(NvmeCommand, IdentifyNamesTheStructure) {
  EXPECT_EQ(WordsOf(EncodeNvmeIdentify(NvmeIdentify::kNamespace, 7, MemoryAt(kMemory, 4096))),
            (Words{0x06, 7, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 4096, 0}));
  EXPECT_EQ(WordsOf(EncodeNvmeIdentify(NvmeIdentify::kController, 7, MemoryAt(kMemory, 4096))),
            (Words{0x06, 0, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 4096, 1}));
  EXPECT_EQ(WordsOf(EncodeNvmeIdentify(NvmeIdentify::kDescriptors, 7, MemoryAt(kMemory, 4096))),
            (Words{0x06, 7, 0, 0, 0, 0, 0x55667000, 0x11223344, 0, 4096, 3}));
}

class NvmeIdentifyTest : public testing::Test {
 protected:
  void Set(size_t at, std::initializer_list<int> bytes) {
    for (const int byte : bytes) bytes_[at++] = static_cast<std::byte>(byte);
  }
  std::vector<std::byte> bytes_ = std::vector<std::byte>(4096);
};

TEST_F(NvmeIdentifyTest, ControllerFieldsHaveTheirOffsets) {
  std::string model = "QEMU NVMe Ctrl\x01";
  model.resize(40, ' ');
  std::memcpy(bytes_.data() + 24, model.data(), 40);
  Set(77, {7});
  Set(520, {0x04, 0x00});
  Set(525, {0x07});
  const auto controller = ParseNvmeController(bytes_);
  ASSERT_TRUE(controller.ok());
  EXPECT_EQ(controller->model, "QEMU NVMe Ctrl?");
  EXPECT_EQ(controller->transfer_shift, 7);
  EXPECT_TRUE(controller->deallocates);
  EXPECT_TRUE(controller->volatile_write_cache);
  // The neighbouring bits mean other things: write zeroes, and the kinds of flush.
  Set(520, {0xfb, 0xff});
  Set(525, {0x06});
  const auto other = ParseNvmeController(bytes_);
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->deallocates);
  EXPECT_FALSE(other->volatile_write_cache);
}

TEST_F(NvmeIdentifyTest, NamespaceUsesTheFormatInUse) {
  Set(0, {0x00, 0x00, 0x20, 0, 0, 0, 0, 0});
  Set(25, {1});                // two formats
  Set(26, {0x11});             // the second; metadata would stand at the end of the block
  Set(29, {0x0a});             // protection of type 2, first
  Set(99, {0x01});             // write protected
  Set(128, {0, 0, 9, 0});      // 512
  Set(132, {8, 0, 12, 0x02});  // 4096 + 8, degraded performance
  const auto space = ParseNvmeNamespace(bytes_);
  ASSERT_TRUE(space.ok()) << space.status().ToString();
  EXPECT_EQ(space->size_bytes, 0x200000ull * 4096);
  EXPECT_EQ(space->block_bytes, 4096u);
  EXPECT_EQ(space->metadata_bytes, 8u);
  EXPECT_EQ(space->protection_type, 2);
  EXPECT_TRUE(space->write_protected);
}

TEST_F(NvmeIdentifyTest, FormatsAboveFifteenUseTheUpperBits) {
  Set(0, {16});
  Set(25, {33});
  Set(26, {0x41});  // 2 << 4 | 1
  Set(128 + 33 * 4, {0, 0, 9, 0});
  const auto space = ParseNvmeNamespace(bytes_);
  ASSERT_TRUE(space.ok()) << space.status().ToString();
  EXPECT_EQ(space->size_bytes, 8192u);
}

TEST_F(NvmeIdentifyTest, ImpossibleNamespacesAreRefused) {
  Set(128, {0, 0, 9, 0});
  EXPECT_EQ(ParseNvmeNamespace(bytes_).status().code(), StatusCode::kNotSupported) << "inactive";
  Set(0, {1});
  EXPECT_TRUE(ParseNvmeNamespace(bytes_).ok());
  Set(26, {1});
  EXPECT_EQ(ParseNvmeNamespace(bytes_).status().code(), StatusCode::kCorruption) << "format out of the list";
  Set(26, {0});
  for (const int shift : {0, 8, 32, 255}) {
    Set(130, {shift});
    EXPECT_EQ(ParseNvmeNamespace(bytes_).status().code(), StatusCode::kCorruption) << shift;
  }
  Set(130, {12});
  Set(0, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(ParseNvmeNamespace(bytes_).status().code(), StatusCode::kCorruption) << "more than 2^64 bytes";
  bytes_.pop_back();
  EXPECT_EQ(ParseNvmeNamespace(bytes_).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseNvmeController(bytes_).status().code(), StatusCode::kCorruption);
}

TEST_F(NvmeIdentifyTest, CommandSetIsFoundAmongTheDescriptors) {
  EXPECT_EQ(ParseNvmeCommandSet(bytes_), std::nullopt);
  Set(0, {3, 16});  // a UUID
  Set(20, {4, 1, 0, 0, 2});
  EXPECT_EQ(ParseNvmeCommandSet(bytes_), 2);
  Set(1, {0});  // ends the list
  EXPECT_EQ(ParseNvmeCommandSet(bytes_), std::nullopt);
  Set(4092, {4, 1, 0, 0});  // its value would stand past the end
  EXPECT_EQ(ParseNvmeCommandSet(ConstBytes(bytes_).last(4)), std::nullopt);
  EXPECT_EQ(ParseNvmeCommandSet({}), std::nullopt);
}

TEST(NvmeFormat, RefusalsNameTheCauseAndTheRemedy) {
  const NvmeNamespace good{.size_bytes = 1 << 20, .block_bytes = 512};
  EXPECT_TRUE(CheckNvmeFormat(good, "/dev/ng0n1").ok());
  const auto refusal = [](NvmeNamespace space) {
    const Status status = CheckNvmeFormat(space, "/dev/ng0n1");
    EXPECT_EQ(status.code(), StatusCode::kNotSupported);
    EXPECT_NE(status.message().find("nvme format"), std::string::npos) << status.message();
    return status.message();
  };
  EXPECT_NE(refusal({.block_bytes = 512, .metadata_bytes = 8}).find("8 bytes of metadata"),
            std::string::npos);
  EXPECT_NE(refusal({.block_bytes = 512, .protection_type = 1}).find("of type 1"), std::string::npos);
  EXPECT_NE(refusal({.block_bytes = 8192}).find("blocks of 8192 bytes"), std::string::npos);
}

TEST(NvmeLimits, LeastLimitCountsAndIsRoundedDown) {
  const NvmeQueueLimits queue{.max_transfer_bytes = 512 << 10, .max_segments = 127};
  const auto limit = [](NvmeQueueLimits limits, uint8_t shift, uint32_t block_bytes = 512) {
    return NvmeTransferLimit(limits, {.transfer_shift = shift}, block_bytes, "/dev/ng0n1").value();
  };
  EXPECT_EQ(limit(queue, 0), 508u << 10);
  EXPECT_EQ(limit(queue, 7), 508u << 10);
  EXPECT_EQ(limit(queue, 5), 128u << 10);
  EXPECT_EQ(limit(queue, 255), 508u << 10);
  EXPECT_EQ(limit({.max_transfer_bytes = 130 << 10, .max_segments = 127}, 0), 128u << 10);
  EXPECT_EQ(limit({.max_transfer_bytes = 1 << 30, .max_segments = UINT64_MAX}, 0), 32u << 20);
  EXPECT_EQ(limit({.max_transfer_bytes = 1 << 30, .max_segments = UINT64_MAX}, 0, 4096), 256u << 20);
}

TEST(NvmeLimits, LimitBelowABlockIsRefused) {
  for (const NvmeQueueLimits& limits :
       {NvmeQueueLimits{}, NvmeQueueLimits{.max_transfer_bytes = 4095, .max_segments = 1},
        NvmeQueueLimits{.max_transfer_bytes = 8192, .max_segments = 0}}) {
    const auto limit = NvmeTransferLimit(limits, {}, 512, "/dev/ng0n1");
    EXPECT_EQ(limit.status().code(), StatusCode::kNotSupported);
    EXPECT_NE(limit.status().message().find("use the block device"), std::string::npos);
  }
}

TEST(NvmeLimits, DeallocateLimitIsNeverZero) {
  EXPECT_EQ(NvmeDeallocateLimit({}, 512), 1u << 30);
  EXPECT_EQ(NvmeDeallocateLimit({.max_discard_bytes = 2147483136}, 512), 1u << 30);
  EXPECT_EQ(NvmeDeallocateLimit({.max_discard_bytes = 10000}, 512), 8192u);
  EXPECT_EQ(NvmeDeallocateLimit({.max_discard_bytes = 512}, 512), 4096u);
}

}  // namespace
}  // namespace rawkv
