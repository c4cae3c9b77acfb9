#include "engine/index/deferred_record.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_codec.h"
#include "engine/index/key_space.h"
#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

const DeferredFree kEntry = Deferred(1000, 16, 3, 9);

TEST(DeferredRecord, EachFormDecodesToTheWholeEntry) {
  ASSERT_OK_AND_ASSIGN(
      const DeferredFree by_slot,
      DecodeDeferredBySlot(DeferredBySlotKey(kEntry.extent.first).view(), EncodeDeferredBySlot(kEntry)));
  EXPECT_EQ(by_slot, kEntry);
  ASSERT_OK_AND_ASSIGN(const DeferredFree by_version,
                       DecodeDeferredByVersion(DeferredByVersionKey(kEntry.freed, kEntry.extent.first).view(),
                                               EncodeDeferredByVersion(kEntry)));
  EXPECT_EQ(by_version, kEntry);
}

TEST(DeferredRecord, DecodingIsStrict) {
  ExpectStrictDecoding(EncodeDeferredBySlot(kEntry), [](const std::string& bytes) {
    const Result<DeferredFree> entry = DecodeDeferredBySlot(DeferredBySlotKey(SlotId(1000)).view(), bytes);
    return entry.ok() ? std::make_unique<std::string>(EncodeDeferredBySlot(*entry)) : nullptr;
  });
  ExpectStrictDecoding(EncodeDeferredByVersion(kEntry), [](const std::string& bytes) {
    const Result<DeferredFree> entry =
        DecodeDeferredByVersion(DeferredByVersionKey(Version(9), SlotId(1000)).view(), bytes);
    return entry.ok() ? std::make_unique<std::string>(EncodeDeferredByVersion(*entry)) : nullptr;
  });
}

TEST(DeferredRecord, RefusesImpossibleValues) {
  const auto decode = [](uint64_t first, uint64_t count, uint64_t born, uint64_t freed) {
    ByteWriter value;
    value.U64(count);
    value.U64(born);
    return DecodeDeferredByVersion(DeferredByVersionKey(Version(freed), SlotId(first)).view(), value.str());
  };
  EXPECT_TRUE(decode(1, 1, 2, 2).ok());
  EXPECT_EQ(decode(1, 0, 2, 2).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(decode(1, 1, 3, 2).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(decode(2, UINT64_MAX - 1, 2, 2).status().code(), StatusCode::kCorruption);
}

TEST(DeferredRecord, PiecesCoverTheExtentAndStayInTheirBlocks) {
  EXPECT_EQ(BlockPieces(kEntry), std::vector{kEntry});
  EXPECT_EQ(BlockPieces(Deferred(512, 256, 1, 2)), std::vector{Deferred(512, 256, 1, 2)});
  EXPECT_EQ(BlockPieces(Deferred(511, 2, 1, 2)),
            (std::vector{Deferred(511, 1, 1, 2), Deferred(512, 1, 1, 2)}));
  for (const auto& [first, count] : {std::pair(0, 1000), std::pair(255, 257), std::pair(100, 5000)}) {
    uint64_t next = static_cast<uint64_t>(first);
    for (const DeferredFree& piece : BlockPieces(Deferred(next, static_cast<uint64_t>(count), 1, 2))) {
      EXPECT_EQ(piece.extent.first.value(), next);
      next = piece.extent.end().value();
      EXPECT_TRUE(
          DecodeDeferredBySlot(DeferredBySlotKey(piece.extent.first).view(), EncodeDeferredBySlot(piece))
              .ok());
    }
    EXPECT_EQ(next, static_cast<uint64_t>(first + count));
  }
}

TEST(DeferredRecord, RefusesAnExtentThatCrossesABlock) {
  const std::string crosses = EncodeDeferredBySlot(Deferred(256, 16, 3, 9));
  EXPECT_TRUE(DecodeDeferredBySlot(DeferredBySlotKey(SlotId(240)).view(), crosses).ok());
  EXPECT_EQ(DecodeDeferredBySlot(DeferredBySlotKey(SlotId(250)).view(), crosses).status().code(),
            StatusCode::kCorruption);
}

TEST(DeferredRecord, RefusesAKeyOfAWrongLength) {
  const std::string long_key = std::string(DeferredBySlotKey(SlotId(1)).view()) + "x";
  EXPECT_EQ(DecodeDeferredBySlot(long_key, EncodeDeferredBySlot(kEntry)).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(DecodeDeferredByVersion("f", EncodeDeferredByVersion(kEntry)).status().code(),
            StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
