#include "engine/cache_table/eviction_policy.h"

namespace rawkv {

void EvictionPolicy::Insert(uint32_t id) {
  if (id >= nodes_.size()) nodes_.resize(id + 1);
  LinkNewest(id);
  nodes_[id].used = 0;
  ++size_;
}

void EvictionPolicy::Touch(uint32_t id) {
  if (kind_ == EvictionKind::kSieve) {
    nodes_[id].used = 1;
    return;
  }
  Unlink(id);
  LinkNewest(id);
}

void EvictionPolicy::Erase(uint32_t id) {
  if (hand_ == id) hand_ = nodes_[id].newer;
  Unlink(id);
  --size_;
}

void EvictionPolicy::Evict(const std::function<bool(uint32_t)>& may_evict,
                           const std::function<bool(uint32_t)>& taken) {
  // The hand of LRU begins at the oldest each time. That of SIEVE may have to pass every object twice.
  uint32_t at = kind_ == EvictionKind::kSieve ? hand_ : kNone;
  uint64_t rounds = kind_ == EvictionKind::kSieve ? 3 : 1;
  bool more = true;
  while (more) {
    if (at == kNone) {
      if (rounds-- == 0 || oldest_ == kNone) break;
      at = oldest_;
    }
    const uint32_t id = at;
    at = nodes_[id].newer;
    if (!may_evict(id)) continue;
    if (nodes_[id].used != 0) {
      nodes_[id].used = 0;
      continue;
    }
    Erase(id);
    more = taken(id);
  }
  if (kind_ == EvictionKind::kSieve) hand_ = at;
}

void EvictionPolicy::ForEach(const std::function<void(const Place&)>& fn) const {
  for (uint32_t id = oldest_; id != kNone; id = nodes_[id].newer) {
    fn({.id = id, .used = nodes_[id].used != 0, .hand = id == hand_});
  }
}

void EvictionPolicy::Restore(const Place& place) {
  Insert(place.id);
  if (kind_ == EvictionKind::kLru) return;
  nodes_[place.id].used = place.used ? 1 : 0;
  if (place.hand) hand_ = place.id;
}

void EvictionPolicy::Unlink(uint32_t id) {
  const uint32_t older = nodes_[id].older, newer = nodes_[id].newer;
  if (older == kNone) {
    oldest_ = newer;
  } else {
    nodes_[older].newer = newer & kNone;
  }
  if (newer == kNone) {
    newest_ = older;
  } else {
    nodes_[newer].older = older;
  }
}

void EvictionPolicy::LinkNewest(uint32_t id) {
  nodes_[id].older = newest_;
  nodes_[id].newer = kNone;
  if (newest_ == kNone) {
    oldest_ = id;
  } else {
    nodes_[newest_].newer = id & kNone;
  }
  newest_ = id;
}

}  // namespace rawkv
