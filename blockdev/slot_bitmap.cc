#include "blockdev/slot_bitmap.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace rawkv {
namespace {

constexpr uint64_t kWordBits = 64;

// Calls fn(word's index, mask of the range's bits in it) for each word of the range.
template <typename Fn>
void ForEachWord(size_t words, uint64_t first, uint64_t count, const Fn& fn) {
  RAWKV_CHECK(first <= words * kWordBits && count <= words * kWordBits - first, "slots beyond the bitmap");
  while (count > 0) {
    const uint64_t bit = first % kWordBits;
    const uint64_t bits = std::min(count, kWordBits - bit);
    fn(first / kWordBits, (~uint64_t{0} >> (kWordBits - bits)) << bit);
    first += bits;
    count -= bits;
  }
}

}  // namespace

bool TestSlot(ConstSlotBits words, uint64_t slot) {
  return CountSlots(words, slot, 1) == 1;
}

void SetSlots(SlotBits words, uint64_t first, uint64_t count) {
  ForEachWord(words.size(), first, count, [&](size_t word, uint64_t mask) { words[word] |= mask; });
}

void ClearSlots(SlotBits words, uint64_t first, uint64_t count) {
  ForEachWord(words.size(), first, count, [&](size_t word, uint64_t mask) { words[word] &= ~mask; });
}

uint64_t CountSlots(ConstSlotBits words, uint64_t first, uint64_t count) {
  uint64_t set = 0;
  ForEachWord(words.size(), first, count, [&](size_t word, uint64_t mask) {
    set += static_cast<uint64_t>(std::popcount(words[word] & mask));
  });
  return set;
}

uint64_t CountSlots(ConstSlotBits words) {
  return CountSlots(words, 0, words.size() * kWordBits);
}

}  // namespace rawkv
