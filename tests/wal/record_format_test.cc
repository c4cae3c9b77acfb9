#include "wal/record_format.h"

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/sha256.h"
#include "wal/segment_header.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

Uuid ExampleStore() {
  Uuid uuid;
  for (size_t i = 0; i < uuid.bytes.size(); ++i) uuid.bytes[i] = static_cast<std::byte>(i);
  return uuid;
}

FrameHeader ExampleHead() {
  return {.kind = FrameKind::kRecord,
          .version = Version(43),
          .lineage = Lineage(0x1122334455667788),
          .offset = 4096,
          .prev_checksum = 0x0102030405060708,
          .durable_through = Version(42)};
}

std::string HexLines(std::string_view bytes) {
  const std::string digits = ToHex(AsBytes(bytes));
  std::string out;
  for (size_t i = 0; i < digits.size(); i += 32) out += digits.substr(i, 32) + "\n";
  return out;
}

// docs/formats/wal.md, "Worked example".
TEST(RecordFormat, GoldenBytesOfARecord) {
  std::string out;
  const uint64_t chain =
      AppendFrame(ExampleHead(), FrameSeed(ExampleStore()), 1700000000000, AsBytes("hello"), &out);
  EXPECT_EQ(HexLines(out), "@RECORD@");
  EXPECT_EQ(chain, LoadLe<uint64_t>(out.data() + 72));
}

TEST(RecordFormat, GoldenBytesOfAWatermark) {
  FrameHeader head = ExampleHead();
  head.kind = FrameKind::kWatermark;
  head.offset = 4224;
  head.durable_through = Version(43);
  std::string out;
  AppendFrame(head, FrameSeed(ExampleStore()), 0, {}, &out);
  EXPECT_EQ(HexLines(out), "@WATERMARK@");
}

TEST(RecordFormat, GoldenBytesOfASegmentHeader) {
  SegmentHeader header{.store_uuid = ExampleStore(),
                       .lineage = Lineage(0x1122334455667788),
                       .first = Version(43),
                       .prev_checksum = 0x0102030405060708};
  const std::string block = EncodeSegmentHeader(&header);
  ASSERT_EQ(block.size(), kSegmentHeaderBytes);
  EXPECT_EQ(HexLines(block.substr(0, 64)), "@SEGMENT@");
  EXPECT_EQ(block.substr(64, 4088 - 64), std::string(4088 - 64, '\0'));
  EXPECT_EQ(HexLines(block.substr(4088)), "@SEGMENTSUM@");
}

TEST(RecordFormat, ParseReturnsWhatWasAppended) {
  const uint64_t seed = FrameSeed(ExampleStore());
  std::string out = "earlier frames";
  const uint64_t chain = AppendFrame(ExampleHead(), seed, 7, AsBytes(std::string(1000, 'x')), &out);
  FrameHeader head;
  ASSERT_EQ(ParseFrameHeader(AsBytes(out).subspan(14), seed, &head), FrameParse::kValid);
  EXPECT_EQ(head.kind, FrameKind::kRecord);
  EXPECT_EQ(head.payload_bytes, 1008u);
  EXPECT_EQ(head.version, Version(43));
  EXPECT_EQ(head.lineage, Lineage(0x1122334455667788));
  EXPECT_EQ(head.offset, 4096u);
  EXPECT_EQ(head.prev_checksum, 0x0102030405060708u);
  EXPECT_EQ(head.durable_through, Version(42));
  EXPECT_EQ(head.checksum, chain);
  EXPECT_EQ((out.size() - 14) % kFrameStepBytes, 0u);
}

TEST(RecordFormat, EveryFlippedBitOfAHeaderIsNoticed) {
  const uint64_t seed = FrameSeed(ExampleStore());
  std::string out;
  AppendFrame(ExampleHead(), seed, 7, AsBytes("body"), &out);
  for (size_t bit = 0; bit < kFrameHeaderBytes * 8; ++bit) {
    std::string damaged = out;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    FrameHeader head;
    EXPECT_EQ(ParseFrameHeader(AsBytes(damaged), seed, &head), FrameParse::kNone) << "bit " << bit;
  }
}

TEST(RecordFormat, AnotherStoresFrameIsNone) {
  std::string out;
  AppendFrame(ExampleHead(), FrameSeed(ExampleStore()), 7, AsBytes("body"), &out);
  FrameHeader head;
  EXPECT_EQ(ParseFrameHeader(AsBytes(out), FrameSeed(Uuid{}), &head), FrameParse::kNone);
}

TEST(RecordFormat, TooFewBytesAreNone) {
  const uint64_t seed = FrameSeed(ExampleStore());
  std::string out;
  AppendFrame(ExampleHead(), seed, 7, AsBytes("body"), &out);
  FrameHeader head;
  for (size_t length = 0; length < kFrameHeaderBytes; ++length) {
    EXPECT_EQ(ParseFrameHeader(AsBytes(out).first(length), seed, &head), FrameParse::kNone);
  }
}

// Fields that no writer of ours makes, under a checksum that is right.
class ForgedHeader : public testing::Test {
 protected:
  ForgedHeader() { AppendFrame(ExampleHead(), seed_, 7, AsBytes("body"), &frame_); }
  FrameParse ParseSealed() {
    StoreLe<uint64_t>(frame_.data() + 72, Xxh3(AsBytes(frame_).first(72), seed_));
    FrameHeader head;
    return ParseFrameHeader(AsBytes(frame_), seed_, &head);
  }
  const uint64_t seed_ = FrameSeed(ExampleStore());
  std::string frame_;
};

TEST_F(ForgedHeader, NewerFormatIsTold) {
  StoreLe<uint16_t>(frame_.data() + 6, 2);
  EXPECT_EQ(ParseSealed(), FrameParse::kNewer);
}
TEST_F(ForgedHeader, FormatZeroIsNone) {
  StoreLe<uint16_t>(frame_.data() + 6, 0);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
}
TEST_F(ForgedHeader, UnknownKindIsNone) {
  StoreLe<uint16_t>(frame_.data() + 4, 3);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
}
TEST_F(ForgedHeader, WatermarkWithPayloadIsNone) {
  StoreLe<uint16_t>(frame_.data() + 4, 2);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
}
TEST_F(ForgedHeader, RecordTooShortForItsTimeIsNone) {
  StoreLe<uint32_t>(frame_.data() + 8, 7);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
}
TEST_F(ForgedHeader, ReserveThatIsNotZeroIsNone) {
  StoreLe<uint32_t>(frame_.data() + 12, 1);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
  StoreLe<uint32_t>(frame_.data() + 12, 0);
  EXPECT_EQ(ParseSealed(), FrameParse::kValid);
  StoreLe<uint64_t>(frame_.data() + 64, 1);
  EXPECT_EQ(ParseSealed(), FrameParse::kNone);
}

TEST(SegmentHeaderFormat, EveryFlippedByteIsCorruption) {
  SegmentHeader header{.store_uuid = ExampleStore(), .lineage = Lineage(5), .first = Version(9)};
  const std::string block = EncodeSegmentHeader(&header);
  const Result<SegmentHeader> parsed = DecodeSegmentHeader(AsBytes(block), "path");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->checksum, header.checksum);
  EXPECT_EQ(parsed->first, Version(9));
  for (size_t at = 0; at < block.size(); ++at) {
    std::string damaged = block;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const Result<SegmentHeader> result = DecodeSegmentHeader(AsBytes(damaged), "path");
    EXPECT_EQ(result.status().code(), StatusCode::kCorruption) << "byte " << at;
  }
}

TEST(SegmentHeaderFormat, NewerFormatIsNotSupported) {
  SegmentHeader header{.store_uuid = ExampleStore(), .lineage = Lineage(5), .first = Version(9)};
  std::string block = EncodeSegmentHeader(&header);
  StoreLe<uint32_t>(block.data() + 8, kWalFormat + 1);
  StoreLe<uint64_t>(block.data() + 4088, Xxh3(AsBytes(block).first(4088)));
  EXPECT_EQ(DecodeSegmentHeader(AsBytes(block), "path").status().code(), StatusCode::kNotSupported);
}

TEST(OnChain, WatermarkOfANewBranchCountsAtItsFork) {
  const Lineage a(1), b(2);
  const LineageChain chain = LineageChain({{a, Lineage(0), Version(0)}}).Forked(b, Version(5));
  FrameHeader head;
  head.version = Version(5);
  head.lineage = b;
  EXPECT_FALSE(OnChain(chain, head));
  head.kind = FrameKind::kWatermark;
  EXPECT_TRUE(OnChain(chain, head));
  head.version = Version(4);
  EXPECT_FALSE(OnChain(chain, head));
  head.lineage = a;
  EXPECT_TRUE(OnChain(chain, head));
  head.version = Version(6);
  EXPECT_FALSE(OnChain(chain, head));
}

}  // namespace
}  // namespace rawkv
