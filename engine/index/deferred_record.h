#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/index/allocation_page.h"

// A deferred free is stored twice: by slot, so that an allocation finds the entries that it overlaps, and by
// the version that freed it, so that a reclaim walks in order. Each of the two has all fields.
// docs/formats/index.md.
namespace rawkv {

// No stored entry crosses a multiple of this number of slots. So a search for the entries that overlap an
// extent begins at most one block before it, and does not pass over many deleted entries. Without this bound,
// a replay that removes entries in the order of slots would take quadratic time.
inline constexpr uint64_t kDeferredBlockSlots = 256;

// Splits the entry at the borders of blocks.
std::vector<DeferredFree> BlockPieces(const DeferredFree& entry);
// The first slot of the block of `slot`.
inline SlotId BlockStart(SlotId slot) {
  return SlotId(slot.value() - slot.value() % kDeferredBlockSlots);
}

// The stored values of one piece.
std::string EncodeDeferredBySlot(const DeferredFree& piece);
std::string EncodeDeferredByVersion(const DeferredFree& piece);

// From a key and value of that key space. kCorruption: the encoder cannot have written them.
Result<DeferredFree> DecodeDeferredBySlot(std::string_view key, std::string_view value);
Result<DeferredFree> DecodeDeferredByVersion(std::string_view key, std::string_view value);

}  // namespace rawkv
