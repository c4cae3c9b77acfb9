#include "engine/device/available_slots.h"

#include <algorithm>

namespace rawkv {

Result<uint64_t> CountAvailableSlots(KeyIndex& index, const std::vector<VersionHold>& holds,
                                     uint64_t total_slots, uint64_t reserved) {
  constexpr size_t kMaxEntries = 10'000;
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index.Meta());
  uint64_t needed = meta.live_slots + reserved;
  if (!holds.empty()) {
    // At the tip as the floor, only the holds need old slots.
    const Reachability reach{.floor = meta.applied, .tip = meta.applied, .snapshots = {}, .holds = holds};
    uint64_t reusable = 0;
    size_t walked = 0;
    RAWKV_RETURN_IF_ERROR(index.ForEachDeferred(meta.applied, std::nullopt, [&](const DeferredFree& entry) {
      if (reach.MayReuse(entry.born, entry.freed)) reusable += entry.extent.count.value();
      return ++walked < kMaxEntries;
    }));
    needed += meta.taken_slots - std::min(meta.taken_slots, meta.live_slots + reusable);
  }
  // A commit may be applied between the reads of the counts.
  return total_slots - std::min(total_slots, needed);
}

}  // namespace rawkv
