#pragma once

#include <cstdint>
#include <span>

namespace rawkv {

// Bitmaps with one bit a slot, in 64-bit words, the lowest bit first. Each function takes the `count` bits
// from bit `first` on, all of them inside `words`, and costs a step a word.

using SlotBits = std::span<uint64_t>;
using ConstSlotBits = std::span<const uint64_t>;

bool TestSlot(ConstSlotBits words, uint64_t slot);
void SetSlots(SlotBits words, uint64_t first, uint64_t count);
void ClearSlots(SlotBits words, uint64_t first, uint64_t count);
// How many of the bits are set.
uint64_t CountSlots(ConstSlotBits words, uint64_t first, uint64_t count);
uint64_t CountSlots(ConstSlotBits words);

}  // namespace rawkv
