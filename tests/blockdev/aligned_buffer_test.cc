#include "blockdev/aligned_buffer.h"

#include <gtest/gtest.h>

#include <utility>

namespace rawkv {
namespace {

TEST(AlignedBuffer, IsAlignedAndRoundedUp) {
  for (const uint64_t size : {1, 4095, 4096, 4097, 1 << 20}) {
    AlignedBuffer buffer(size);
    EXPECT_EQ(buffer.size(), AlignUp(size, kBlockAlign));
    EXPECT_TRUE(IsAligned(reinterpret_cast<uintptr_t>(buffer.data())));
  }
}

TEST(AlignedBuffer, ZeroSizeBufferIsEmpty) {
  EXPECT_EQ(AlignedBuffer(0).size(), 0u);
  EXPECT_TRUE(AlignedBuffer().bytes().empty());
}

TEST(AlignedBuffer, MovedFromIsEmpty) {
  AlignedBuffer from(4096);
  const std::byte* const memory = from.data();
  AlignedBuffer to(std::move(from));
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to.size(), 4096u);
  EXPECT_EQ(from.size(), 0u);  // NOLINT(bugprone-use-after-move): part of the contract
  EXPECT_EQ(from.data(), nullptr);
  from = std::move(to);
  EXPECT_EQ(from.data(), memory);
  EXPECT_EQ(to.size(), 0u);  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace rawkv
