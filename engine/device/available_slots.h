#pragma once

#include <cstdint>
#include <vector>

#include "engine/index/key_index.h"
#include "engine/space/reachability.h"

namespace rawkv {

// SlotUse::available at a bounded cost, for a status that is published often: the number of slots that
// commits could get now, or fewer if a hold makes it necessary to look at more deferred frees than that cost
// allows. `reserved` is SlotAllocator::reserved_slots.
Result<uint64_t> CountAvailableSlots(KeyIndex& index, const std::vector<VersionHold>& holds,
                                     uint64_t total_slots, uint64_t reserved);

}  // namespace rawkv
