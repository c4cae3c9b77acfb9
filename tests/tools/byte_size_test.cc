#include "tools/cli/byte_size.h"

#include <gtest/gtest.h>

namespace rawkv::ctl {
namespace {

TEST(ByteSize, ParsesIntegersAndUnits) {
  EXPECT_EQ(*ParseByteSize("0"), 0u);
  EXPECT_EQ(*ParseByteSize("4096"), 4096u);
  EXPECT_EQ(*ParseByteSize("4K"), 4096u);
  EXPECT_EQ(*ParseByteSize("4KiB"), 4096u);
  EXPECT_EQ(*ParseByteSize("3M"), 3u << 20);
  EXPECT_EQ(*ParseByteSize("1GiB"), 1u << 30);
  EXPECT_EQ(*ParseByteSize("2T"), 2ull << 40);
  EXPECT_EQ(*ParseByteSize("18446744073709551615"), UINT64_MAX);
}

TEST(ByteSize, RefusesEverythingElse) {
  for (const char* text : {"", "K", "KiB", "-1", "+1", "1.5G", "1 K", "1KB", "1kib", "1k", "1KiBx", "1P",
                           "0x10", "18446744073709551616", "16777216T", " 1"}) {
    EXPECT_EQ(ParseByteSize(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(ByteSize, FormatsSizesForPeople) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(4096), "4 KiB");
  EXPECT_EQ(HumanBytes(3ull << 29), "1.5 GiB");
  EXPECT_EQ(HumanBytes(5000ull << 40), "5000 TiB");
}

}  // namespace
}  // namespace rawkv::ctl
