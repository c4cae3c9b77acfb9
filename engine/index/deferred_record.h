#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/index/allocation_page.h"

// A deferred free is written twice: by slot, so that an allocation finds what it overlaps, and by the
// version that freed it, so that reclaiming walks in order. Each is enough alone. docs/formats/index.md.
namespace rawkv {

// No written entry crosses a multiple of so many slots. What overlaps an extent is thus found by looking
// at one block in front of it, and no search wades through all that was deleted there before: without
// the bound a replay that removes entries in slot order would take time by the square of their number.
inline constexpr uint64_t kDeferredBlockSlots = 256;

// The entry cut at the borders of blocks.
std::vector<DeferredFree> BlockPieces(const DeferredFree& entry);
inline SlotId BlockStart(SlotId slot) {
  return SlotId(slot.value() - slot.value() % kDeferredBlockSlots);
}

// Of one piece.
std::string EncodeDeferredBySlot(const DeferredFree& piece);
std::string EncodeDeferredByVersion(const DeferredFree& piece);

// From a key and value of that space. kCorruption for anything that could not have been written.
Result<DeferredFree> DecodeDeferredBySlot(std::string_view key, std::string_view value);
Result<DeferredFree> DecodeDeferredByVersion(std::string_view key, std::string_view value);

}  // namespace rawkv
