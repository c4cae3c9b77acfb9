#include "base/uuid.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

#include "base/entropy.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

class FixedEntropy final : public Entropy {
 public:
  uint64_t NextU64() override { return 0xffffffffffffffff; }
};

TEST(Uuid, GeneratedUuidsCarryVersionAndVariantBits) {
  FixedEntropy entropy;
  EXPECT_EQ(Uuid::Generate(entropy).ToString(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(Uuid, TextRoundTrips) {
  for (int i = 0; i < 100; ++i) {
    const Uuid id = Uuid::Generate(SystemEntropy());
    ASSERT_OK_AND_ASSIGN(const Uuid parsed, Uuid::Parse(id.ToString()));
    EXPECT_EQ(parsed, id);
  }
}

TEST(Uuid, BytesAreInTextOrderAndEitherCaseIsRead) {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  ASSERT_OK_AND_ASSIGN(const Uuid id, Uuid::Parse(text));
  EXPECT_EQ(id.bytes[0], std::byte{0x00});
  EXPECT_EQ(id.bytes[1], std::byte{0x11});
  EXPECT_EQ(id.bytes[15], std::byte{0xff});
  EXPECT_EQ(id.ToString(), text);
  EXPECT_EQ(*Uuid::Parse("00112233-4455-6677-8899-AABBCCDDEEFF"), id);
}

TEST(Uuid, OtherTextIsAnInvalidArgument) {
  const std::string good = "00112233-4455-6677-8899-aabbccddeeff";
  std::vector<std::string> bad{"",
                               "{" + good + "}",
                               good + "0",
                               good.substr(1),
                               "00112233445566778899aabbccddeeff",
                               std::string(100000, 'a')};
  for (size_t i = 0; i < good.size(); ++i) {
    bad.push_back(good);
    bad.back()[i] = good[i] == '-' ? '0' : '-';
    bad.push_back(good);
    bad.back()[i] = 'g';
  }
  for (const std::string& text : bad) {
    const Result<Uuid> id = Uuid::Parse(text);
    EXPECT_EQ(id.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_LT(id.status().message().size(), 200u);
  }
}

TEST(Uuid, NilIsAllZero) {
  EXPECT_TRUE(Uuid().IsNil());
  EXPECT_EQ(Uuid().ToString(), "00000000-0000-0000-0000-000000000000");
  EXPECT_FALSE(Uuid::Generate(SystemEntropy()).IsNil());
}

TEST(SystemEntropy, ReturnsDistinctNumbers) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(SystemEntropy().NextU64());
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace rawkv
