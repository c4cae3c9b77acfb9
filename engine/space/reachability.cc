#include "engine/space/reachability.h"

#include <algorithm>

namespace rawkv {

bool Reachability::MayReuse(Version born, Version freed) const {
  // `freed` is at most tip + 1, so the floor alone decides whether [born, freed) overlaps [floor, tip].
  if (freed > floor && born < freed) return false;
  return std::none_of(holds.begin(), holds.end(),
                      [&](const VersionHold& h) { return born <= h.version && h.version < freed; });
}

bool Reachability::IsReachable(Version v) const {
  if (floor <= v && v <= tip) return true;
  return std::any_of(holds.begin(), holds.end(),
                     [&](const VersionHold& h) { return h.version == v && !h.only_slots; });
}

VersionRanges Reachability::Ranges() const {
  VersionRanges all{{floor, tip}};
  for (const VersionHold& h : holds) {
    if (!h.only_slots) all.emplace_back(h.version, h.version);
  }
  return Normalized(std::move(all));
}

void PinAccount::Add(const DeferredFree& entry) {
  const uint64_t slots = entry.extent.count.value();
  if (reach_.MayReuse(entry.born, entry.freed)) {
    reclaimable_ += slots;
    return;
  }
  pinned_ += slots;
  // In [floor, tip], the newest snapshot below `freed` holds a slot: once that snapshot is pruned, the floor
  // is above the slot's versions.
  const bool in_window = entry.freed > reach_.floor && entry.born < entry.freed;
  size_t holders = in_window ? 1 : 0;
  size_t last_hold = 0;
  for (size_t i = 0; i < reach_.holds.size(); ++i) {
    const Version v = reach_.holds[i].version;
    if (entry.born <= v && v < entry.freed) {
      ++holders;
      last_hold = i;
    }
  }
  if (holders > (in_window ? 1 : 0)) held_ += slots;
  if (holders > 1) {
    shared_ += slots;
  } else if (in_window) {
    const auto above = std::lower_bound(reach_.snapshots.begin(), reach_.snapshots.end(), entry.freed);
    by_snapshot_[static_cast<size_t>(above - reach_.snapshots.begin()) - 1] += slots;
  } else {
    by_hold_[last_hold] += slots;
  }
}

std::vector<PinnedBy> PinAccount::holders() const {
  std::vector<PinnedBy> out;
  for (size_t i = 0; i < by_snapshot_.size(); ++i) {
    if (by_snapshot_[i] == 0) continue;
    const Version v = reach_.snapshots[i];
    out.push_back({.kind = "snapshot", .name = ToString(v), .version = v, .slots = by_snapshot_[i]});
  }
  for (size_t i = 0; i < by_hold_.size(); ++i) {
    if (by_hold_[i] == 0) continue;
    const VersionHold& h = reach_.holds[i];
    out.push_back({.kind = h.kind, .name = h.name, .version = h.version, .slots = by_hold_[i]});
  }
  return out;
}

}  // namespace rawkv
