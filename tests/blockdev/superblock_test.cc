#include "blockdev/superblock.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/checksum.h"
#include "base/endian.h"
#include "base/sha256.h"

namespace rawkv {
namespace {

// Offsets as docs/formats/superblock.md documents them.
constexpr size_t kFormatAt = 8;
constexpr size_t kChecksumAt = 16;
constexpr size_t kSlotBytesAt = 64;
constexpr size_t kReserveAt = 136;

using Block = std::array<std::byte, kSuperblockBytes>;

// The worked example of docs/formats/superblock.md.
Superblock Example() {
  Superblock out;
  out.device_uuid = *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");
  out.store_uuid = *Uuid::Parse("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
  out.layout = *PlanLayout(1ull << 30, 4096, 0);
  out.owner_lineage = 0x1122334455667788;
  out.owner_reuse_floor = 41;
  out.owner_open_generation = 3;
  out.sequence = 7;
  return out;
}

void Reseal(Block& block) {
  StoreLe<uint64_t>(block.data() + kChecksumAt, 0);
  StoreLe<uint64_t>(block.data() + kChecksumAt, Xxh3(block));
}

TEST(Superblock, HasTheBytesOfTheWorkedExample) {
  const Block block = EncodeSuperblock(Example());
  EXPECT_EQ(ToHex(ConstBytes(block).first(kReserveAt)),
            "5241574b56444556"                  // magic "RAWKVDEV"
            "01000000"                          // format 1
            "00100000"                          // length 4096
            "28c5e60432dddd3a"                  // XXH3-64
            "0700000000000000"                  // sequence 7
            "00112233445566778899aabbccddeeff"  // device UUID
            "f0e1d2c3b4a5469788796a5b4c3d2e1f"  // store UUID
            "0010000000000000"                  // slot_bytes 4096
            "0000000000000000"                  // header_bytes 0
            "0020000000000000"                  // metadata_offset 8192
            "0000000100000000"                  // metadata_bytes 16 MiB
            "0020000100000000"                  // slots_offset 16785408
            "feef030000000000"                  // slot_count 258046
            "8877665544332211"                  // owner_lineage
            "2900000000000000"                  // owner_reuse_floor 41
            "0300000000000000");                // owner_open_generation 3
  for (size_t i = kReserveAt; i < block.size(); ++i) ASSERT_EQ(block[i], std::byte{0}) << i;
}

// Format 2 adds the owner's record; the rest stays where it is.
TEST(Superblock, WithAnOwnersRecordIsOfFormatTwo) {
  Superblock with_record = Example();
  with_record.owner_record = "record";
  const Block block = EncodeSuperblock(with_record);
  EXPECT_EQ(ToHex(ConstBytes(block).subspan(kFormatAt, 4)), "02000000");
  EXPECT_EQ(ToHex(ConstBytes(block).subspan(kReserveAt, 12)), "060000007265636f72640000");
  EXPECT_EQ(std::memcmp(block.data() + 24, EncodeSuperblock(Example()).data() + 24, kReserveAt - 24), 0);
  EXPECT_EQ(*DecodeSuperblock(block), with_record);

  with_record.owner_record.assign(kMaxOwnerRecordBytes, '\xff');
  EXPECT_EQ(*DecodeSuperblock(EncodeSuperblock(with_record)), with_record);
}

TEST(Superblock, WithAWrongRecordLengthIsCorruptDespiteItsChecksum) {
  Superblock with_record = Example();
  with_record.owner_record = "record";
  for (const uint32_t length : {0u, 5u, uint32_t{kMaxOwnerRecordBytes} + 1, UINT32_MAX}) {
    Block block = EncodeSuperblock(with_record);
    StoreLe<uint32_t>(block.data() + kReserveAt, length);
    Reseal(block);
    EXPECT_EQ(DecodeSuperblock(block).status().code(), StatusCode::kCorruption) << length;
  }
}

TEST(Superblock, EncodeDecodeRoundTrips) {
  const Result<Superblock> decoded = DecodeSuperblock(EncodeSuperblock(Example()));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, Example());
}

TEST(Superblock, EveryFlippedBitOfASuperblockIsDetected) {
  const Block good = EncodeSuperblock(Example());
  for (size_t bit = 0; bit < good.size() * 8; bit += bit < kReserveAt * 8 ? 1 : 101) {
    Block bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    const StatusCode code = DecodeSuperblock(bad).status().code();
    ASSERT_EQ(code, bit < 64 ? StatusCode::kNotFound : StatusCode::kCorruption) << bit;
  }
}

TEST(Superblock, IsNotFoundInForeignBytes) {
  EXPECT_EQ(DecodeSuperblock(Block{}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(DecodeSuperblock({}).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(HasSuperblockMagic(Block{}));
  EXPECT_FALSE(HasSuperblockMagic({}));
}

TEST(Superblock, OfAWrongLengthIsCorrupt) {
  const Block block = EncodeSuperblock(Example());
  EXPECT_EQ(DecodeSuperblock(ConstBytes(block).first(100)).status().code(), StatusCode::kCorruption);
}

TEST(Superblock, OfANewerFormatIsNotSupported) {
  Block block = EncodeSuperblock(Example());
  StoreLe<uint32_t>(block.data() + kFormatAt, kDeviceFormat + 1);
  Reseal(block);
  EXPECT_EQ(DecodeSuperblock(block).status().code(), StatusCode::kNotSupported);
  StoreLe<uint32_t>(block.data() + kFormatAt, 0);
  Reseal(block);
  EXPECT_EQ(DecodeSuperblock(block).status().code(), StatusCode::kCorruption);
}

TEST(Superblock, WithBytesInTheReserveIsCorrupt) {
  Block block = EncodeSuperblock(Example());
  block.back() = std::byte{1};
  Reseal(block);
  EXPECT_EQ(DecodeSuperblock(block).status().code(), StatusCode::kCorruption);
}

// A checksum proves that the bytes were written so, not that they are valid (invariant 12).
TEST(Superblock, WithAnImpossibleLayoutIsCorruptDespiteItsChecksum) {
  constexpr uint64_t kHuge = UINT64_MAX / 4096 * 4096;
  const std::pair<size_t, uint64_t> wrong[] = {
      {0, 0},     {0, 4095},       {0, 512},        {0, kMaxSlotBytes + 4096},
      {0, kHuge},                                                   // slot_bytes
      {1, 100},   {1, kHuge},                                       // header_bytes
      {2, 4096},  {2, 8193},       {2, kHuge},                      // metadata_offset
      {3, 4096},  {3, 1ull << 40}, {3, kHuge},                      // metadata_bytes
      {4, 0},     {4, 8192},       {4, kHuge},      {4, 16785409},  // slots_offset
      {5, 0},     {5, UINT64_MAX}, {5, 1ull << 52},                 // slot_count
  };
  for (const auto& [field, value] : wrong) {
    Block block = EncodeSuperblock(Example());
    StoreLe<uint64_t>(block.data() + kSlotBytesAt + 8 * field, value);
    Reseal(block);
    EXPECT_EQ(DecodeSuperblock(block).status().code(), StatusCode::kCorruption)
        << "field " << field << ", value " << value;
  }
}

TEST(DeviceLayout, DividesTheDeviceWithoutOverlapOrWaste) {
  for (const uint64_t capacity : {80ull << 10, 1ull << 20, (1ull << 30) + 4096, 5ull << 40}) {
    for (const uint64_t slot_bytes : {4096ull, 12288ull, 65536ull, 64ull << 20}) {
      for (const uint64_t header_bytes : {0ull, 4096ull}) {
        const Result<DeviceLayout> planned = PlanLayout(capacity, slot_bytes, header_bytes);
        if (!planned.ok()) {
          EXPECT_EQ(planned.status().code(), StatusCode::kInvalidArgument);
          EXPECT_LT(capacity, (2ull << 20) + 2 * slot_bytes + header_bytes);
          continue;
        }
        const DeviceLayout& l = *planned;
        EXPECT_GE(l.metadata_offset, 2 * kSuperblockBytes);
        EXPECT_GE(l.metadata_bytes, 64u << 10);
        EXPECT_LE(l.metadata_bytes, 1u << 30);
        EXPECT_EQ(l.metadata_bytes % 8192, 0u);
        EXPECT_GE(l.slots_offset, l.metadata_offset + l.metadata_bytes);
        EXPECT_TRUE(IsAligned(l.slots_offset));
        EXPECT_GE(l.slot_count, 1u);
        const uint64_t end = l.OffsetOf(SlotId(l.slot_count)).value();
        EXPECT_LE(end, capacity);
        EXPECT_LT(capacity - end, slot_bytes);
      }
    }
  }
}

TEST(DeviceLayout, GrowsAtItsEndOnly) {
  for (const uint64_t slot_bytes : {4096ull, 65536ull}) {
    const DeviceLayout layout = *PlanLayout(64ull << 20, slot_bytes, 0);
    EXPECT_EQ(GrownLayout(layout, 64ull << 20), layout);
    EXPECT_EQ(GrownLayout(layout, 1ull << 20), layout) << "never shrinks";
    const DeviceLayout grown = GrownLayout(layout, (64ull << 20) + 10 * slot_bytes);
    EXPECT_EQ(grown.slot_count, layout.slot_count + 10);
    EXPECT_EQ(grown.slots_offset, layout.slots_offset);
    EXPECT_TRUE(IsGrowthOf(grown, layout));
    EXPECT_FALSE(IsGrowthOf(layout, grown));
    EXPECT_FALSE(IsGrowthOf(layout, layout));
    DeviceLayout moved = grown;
    moved.slots_offset += kBlockAlign;
    EXPECT_FALSE(IsGrowthOf(moved, layout));
    EXPECT_TRUE(IsSaneLayout(GrownLayout(layout, UINT64_MAX)));
  }
}

TEST(DeviceLayout, RefusesWrongSizes) {
  constexpr uint64_t kDeviceBytes = 1ull << 30;
  EXPECT_EQ(PlanLayout(kDeviceBytes, 0, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(kDeviceBytes, 512, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(kDeviceBytes, 5000, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(kDeviceBytes, 128ull << 20, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(kDeviceBytes, 4096, 512).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(kDeviceBytes, 4096, UINT64_MAX - 4095).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(0, 4096, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(8192 + 65536, 4096, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(PlanLayout(8192 + 65536 + 4096, 4096, 0).ok());
  // An extent would be all header.
  EXPECT_EQ(PlanLayout(8192 + 65536 + 4096, 4096, 4096).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PlanLayout(UINT64_MAX, 4096, 0).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rawkv
