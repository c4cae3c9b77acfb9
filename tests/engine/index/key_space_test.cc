#include "engine/index/key_space.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

TEST(KeySpace, ByteOrderIsNumberOrder) {
  EXPECT_LT(PageKey(255).view(), PageKey(256).view());
  EXPECT_LT(DeferredBySlotKey(SlotId(0x1ff)).view(), DeferredBySlotKey(SlotId(0x200)).view());
  EXPECT_LT(DeferredByVersionKey(Version(1), SlotId(UINT64_MAX)).view(),
            DeferredByVersionKey(Version(2), SlotId(0)).view());
}

TEST(KeySpace, EveryKeyOfASpaceLiesBelowItsEnd) {
  EXPECT_LT(PageKey(UINT64_MAX).view(), EndOf(KeySpace::kAllocationPage).view());
  EXPECT_LT(DeferredBySlotKey(SlotId(UINT64_MAX)).view(), EndOf(KeySpace::kDeferredBySlot).view());
  EXPECT_LT(UserKey(std::string(1000, '\xff')).view(), EndOf(KeySpace::kUserKey).view());
}

TEST(KeySpace, KeysOfAnyLengthAreKept) {
  for (const size_t length : {0, 1, 126, 127, 128, 129, 65536}) {
    const std::string key(length, 'x');
    IndexKey index_key = UserKey(key);
    const IndexKey moved = std::move(index_key);
    EXPECT_EQ(moved.view(), "k" + key);
  }
}

TEST(KeySpace, KeysParseBack) {
  ASSERT_OK_AND_ASSIGN(const uint64_t page, ParsePageKey(PageKey(77).view()));
  EXPECT_EQ(page, 77u);
  const Result<FreedSlot> freed =
      ParseDeferredByVersionKey(DeferredByVersionKey(Version(5), SlotId(6)).view());
  ASSERT_TRUE(freed.ok());
  EXPECT_EQ(freed->freed, Version(5));
  EXPECT_EQ(freed->first, SlotId(6));
  EXPECT_FALSE(ParsePageKey("b1234567").ok());
}

}  // namespace
}  // namespace rawkv
