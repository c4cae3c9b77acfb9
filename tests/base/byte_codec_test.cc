#include "base/byte_codec.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "base/sha256.h"

namespace rawkv {
namespace {

Uuid CountingUuid() {
  Uuid id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::byte>(i);
  return id;
}

TEST(ByteCodec, WritesLittleEndianFieldsInOrder) {
  ByteWriter out;
  out.U8(0x01);
  out.U16(0x0203);
  out.U32(0x04050607);
  out.U64(0x08090a0b0c0d0e0f);
  out.Blob("xy");
  out.Raw("z");
  EXPECT_EQ(ToHex(AsBytes(out.str())),
            "01"
            "0302"
            "07060504"
            "0f0e0d0c0b0a0908"
            "02000000"
            "7879"
            "7a");
}

TEST(ByteCodec, ReadsBackWhatWasWritten) {
  ByteWriter out;
  out.U8(0xff);
  out.U16(0xfffe);
  out.U32(0xfffffffd);
  out.U64(0xfffffffffffffffc);
  out.Blob(std::string_view("a\0b", 3));
  out.Blob("");
  out.Id(CountingUuid());
  out.Raw("tail");
  const std::string bytes = out.Take();

  ByteReader in(bytes);
  EXPECT_EQ(in.U8(), 0xff);
  EXPECT_EQ(in.U16(), 0xfffe);
  EXPECT_EQ(in.U32(), 0xfffffffdu);
  EXPECT_EQ(in.U64(), 0xfffffffffffffffcu);
  EXPECT_EQ(in.Blob(), std::string_view("a\0b", 3));
  EXPECT_EQ(in.Blob(), "");
  EXPECT_EQ(in.Id(), CountingUuid());
  EXPECT_FALSE(in.AtEnd());
  EXPECT_EQ(in.remaining(), 4u);
  EXPECT_EQ(in.Raw(4), "tail");
  EXPECT_TRUE(in.AtEnd());
}

TEST(ByteReader, FirstShortReadFailsEveryLaterRead) {
  ByteReader in(std::string_view("abc"));
  EXPECT_EQ(in.U64(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0u) << "three bytes are left, but a read after a short read returns nothing";
  EXPECT_EQ(in.Raw(0), "");
  EXPECT_TRUE(in.Id().IsNil());
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_FALSE(in.AtEnd());
}

TEST(ByteReader, BlobLengthBeyondTheEndIsAShortRead) {
  ByteWriter out;
  out.U32(0xffffffff);
  out.Raw("abc");
  ByteReader in(out.str());
  EXPECT_EQ(in.Blob(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, LengthNearTheTopOfU64DoesNotWrap) {
  ByteReader in(std::string_view("abc"));
  in.U8();
  EXPECT_EQ(in.Raw(UINT64_MAX), "");
  EXPECT_FALSE(in.ok());
}

// Uses heap buffers of the exact size, so that the address sanitizer detects a read past the end. Without the
// sanitizer the count of consumed bytes detects it.
TEST(ByteReader, NeverReadsPastTheEndOfAnyInput) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 5000; ++round) {
    const size_t size = random() % 40;
    const auto buffer = std::make_unique<std::byte[]>(size);
    for (size_t i = 0; i < size; ++i) buffer[i] = static_cast<std::byte>(random() % 4);
    ByteReader in(ConstBytes(buffer.get(), size));
    uint64_t consumed = 0;
    while (in.ok() && !in.AtEnd()) {
      const uint64_t before = in.remaining();
      std::string_view got;
      switch (random() % 7) {
        case 0:
          in.U8();
          break;
        case 1:
          in.U16();
          break;
        case 2:
          in.U32();
          break;
        case 3:
          in.U64();
          break;
        case 4:
          got = in.Blob();
          break;
        case 5:
          got = in.Raw(random() % 50 + 1);
          break;
        default:
          in.Id();
      }
      if (!in.ok()) break;
      consumed += before - in.remaining();
      ASSERT_LE(consumed, size);
      ASSERT_EQ(consumed + in.remaining(), size);
      for (const char c : got) ASSERT_LT(c, 4);
    }
  }
}

TEST(Endian, BigEndianKeysSortAsNumbers) {
  const uint64_t numbers[] = {0, 1, 255, 256, 1ull << 32, UINT64_MAX};
  std::string previous;
  for (const uint64_t number : numbers) {
    std::string key(8, '\0');
    StoreBe64(key.data(), number);
    EXPECT_EQ(LoadBe64(key.data()), number);
    EXPECT_LT(previous, key);
    previous = key;
  }
}

}  // namespace
}  // namespace rawkv
