#include "blockdev/slot_bitmap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace rawkv {
namespace {

constexpr uint64_t kSlots = 256;

// The same bitmap as a plain list of flags.
class SlotBitmapTest : public testing::Test {
 protected:
  void Set(uint64_t first, uint64_t count) {
    SetSlots(words_, first, count);
    std::fill_n(flags_.begin() + static_cast<std::ptrdiff_t>(first), count, true);
  }
  void Clear(uint64_t first, uint64_t count) {
    ClearSlots(words_, first, count);
    std::fill_n(flags_.begin() + static_cast<std::ptrdiff_t>(first), count, false);
  }
  void ExpectEqual() {
    uint64_t set = 0;
    for (uint64_t slot = 0; slot < kSlots; ++slot) {
      ASSERT_EQ(TestSlot(words_, slot), flags_[slot]) << "slot " << slot;
      set += flags_[slot] ? 1 : 0;
    }
    EXPECT_EQ(CountSlots(words_), set);
  }

  std::array<uint64_t, kSlots / 64> words_{};
  std::vector<bool> flags_ = std::vector<bool>(kSlots);
};

TEST_F(SlotBitmapTest, RangesMayBeginAndEndAnywhereInAWord) {
  for (const auto& [first, count] : std::vector<std::pair<uint64_t, uint64_t>>{
           {0, 1}, {63, 1}, {63, 2}, {64, 64}, {1, 62}, {60, 140}, {0, kSlots}, {kSlots - 1, 1}}) {
    Set(first, count);
    ExpectEqual();
    Clear(first, count);
    ExpectEqual();
  }
}

TEST_F(SlotBitmapTest, EmptyRangeChangesNothing) {
  Set(10, 0);
  Set(kSlots, 0);
  ExpectEqual();
  EXPECT_EQ(CountSlots(words_, kSlots, 0), 0u);
}

TEST_F(SlotBitmapTest, RandomRangesEqualAListOfFlags) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 500 && !HasFatalFailure(); ++i) {
    const uint64_t first = random() % kSlots;
    const uint64_t count = random() % (kSlots - first + 1);
    random() % 2 == 0 ? Set(first, count) : Clear(first, count);
    ExpectEqual();
    const auto begin = flags_.begin() + static_cast<std::ptrdiff_t>(first);
    EXPECT_EQ(CountSlots(words_, first, count),
              static_cast<uint64_t>(std::count(begin, begin + static_cast<std::ptrdiff_t>(count), true)));
  }
}

TEST(SlotBitmapDeathTest, RangeBeyondTheBitmapIsRefused) {
  std::array<uint64_t, 1> words{};
  EXPECT_DEATH(SetSlots(words, 60, 5), "slots beyond the bitmap");
}

}  // namespace
}  // namespace rawkv
