#include "wal/record_format.h"

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/fs_ops.h"
#include "base/sha256.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"
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

// docs/formats/wal.md, "Worked example": a log with one record and a watermark.
TEST(RecordFormat, GoldenBytes) {
  const TempDir dir;
  const Lineage lineage(0x1122334455667788);
  const WalContext context{.fs = &PosixFs(),
                           .dir = dir.path(),
                           .store_uuid = ExampleStore(),
                           .chain = LineageChain({{lineage, Lineage(0), Version(42)}})};
  ASSERT_TRUE(CreateLog(context, {}, Version(43)).ok());
  ASSERT_OK_AND_ASSIGN(const LogScan scan, ScanLog(context, Version(43), Version(42)));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Wal> wal, Wal::Open(context, {}, scan, Version(42)));
  const std::vector<PendingRecord> group = {{Version(43), 1700000000000, AsBytes("hello")}};
  ASSERT_TRUE(wal->PrepareSpace(Wal::FramedBytes(group)).ok());
  ASSERT_TRUE(wal->Append(group, lineage, Version(42)).ok());
  ASSERT_TRUE(wal->AppendWatermark(lineage, Version(43)).ok());

  const std::string path = dir.path() + "/00000000000000000043.log";
  ASSERT_OK_AND_ASSIGN(const std::string file, ReadFile(PosixFs(), path, 1 << 30));
  ASSERT_EQ(file.size(), 4u << 20);
  EXPECT_EQ(HexLines(file.substr(0, 64)),
            "5241574b564c4f470100000000000000\n"
            "000102030405060708090a0b0c0d0e0f\n"
            "88776655443322112b00000000000000\n"
            "00000000000000000000000000000000\n");
  EXPECT_EQ(file.substr(64, 4088 - 64), std::string(4088 - 64, '\0'));
  EXPECT_EQ(HexLines(file.substr(4088, 8)), "5f2ef96c6b6481f3\n");
  EXPECT_EQ(HexLines(file.substr(4096, 128)),
            "524b5646010001000d00000000000000\n"
            "2b000000000000008877665544332211\n"
            "00100000000000005f2ef96c6b6481f3\n"
            "2a00000000000000c48e3467381bbcfb\n"
            "000000000000000061fb96158c076648\n"
            "0068e5cf8b01000068656c6c6f000000\n"
            "00000000000000000000000000000000\n"
            "00000000000000000000000000000000\n");
  EXPECT_EQ(HexLines(file.substr(4224, 128)),
            "524b5646020001000000000000000000\n"
            "2b000000000000008877665544332211\n"
            "801000000000000061fb96158c076648\n"
            "2b00000000000000655b09db6cb15187\n"
            "0000000000000000da96b3faf236d74c\n"
            "00000000000000000000000000000000\n"
            "00000000000000000000000000000000\n"
            "00000000000000000000000000000000\n");
  EXPECT_EQ(file.find_first_not_of('\0', 4352), std::string::npos);
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

TEST(RecordFormat, FlippedBitOfAHeaderIsDetected) {
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

TEST(RecordFormat, FrameOfAnotherStoreIsNone) {
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

// Field values that rawkv never writes, with a correct checksum.
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

TEST_F(ForgedHeader, NewerFormatIsReported) {
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
  ASSERT_OK_AND_ASSIGN(const SegmentHeader parsed, DecodeSegmentHeader(AsBytes(block), "path"));
  EXPECT_EQ(parsed.checksum, header.checksum);
  EXPECT_EQ(parsed.first, Version(9));
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

TEST(OnChain, WatermarkOfTheNewBranchCountsAtItsFork) {
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
