#include "engine/value_cache/value_cache.h"

#include <cstring>
#include <new>

namespace rawkv {

void ValueCache::Insert(std::string_view key, const Ticket& ticket, ConstBytes value, Version written_by) {
  if (!ticket.valid_ || value.size() > kValueBytesMax) return;
  const size_t hash = std::hash<std::string_view>()(key);
  void* const memory = ::operator new(sizeof(Entry) + key.size() + value.size(), std::nothrow);
  if (memory == nullptr) return;
  Entry* const entry = new (memory) Entry{.hash = hash,
                                          .written_by = written_by,
                                          .newer = nullptr,
                                          .older = nullptr,
                                          .key_bytes = static_cast<uint32_t>(key.size()),
                                          .value_bytes = static_cast<uint32_t>(value.size()),
                                          .visited = false};
  std::memcpy(entry->bytes(), key.data(), key.size());
  if (!value.empty()) std::memcpy(entry->bytes() + key.size(), value.data(), value.size());
  const uint64_t cost = CostOf(*entry);
  Shard& shard = ShardOf(hash);
  MutexLock lock(shard.mu);
  bool inserted = false;
  if (cost <= shard_capacity_ && shard.changing == 0 && shard.epoch == ticket.epoch_) {
    while (shard.bytes + cost > shard_capacity_) shard.RemoveOne();
    try {
      inserted = shard.entries.insert(entry).second;
    } catch (const std::bad_alloc&) {
      inserted = false;
    }
  }
  if (!inserted) {
    ::operator delete(entry);
    return;
  }
  shard.bytes += cost;
  entry->older = shard.newest;
  if (shard.newest != nullptr) shard.newest->newer = entry;
  shard.newest = entry;
  if (shard.oldest == nullptr) shard.oldest = entry;
}

void ValueCache::Shard::Remove(Entry* entry) {
  entries.erase(entry);
  if (hand == entry) hand = entry->newer;
  (entry->newer != nullptr ? entry->newer->older : newest) = entry->older;
  (entry->older != nullptr ? entry->older->newer : oldest) = entry->newer;
  bytes -= CostOf(*entry);
  ::operator delete(entry);
}

void ValueCache::Shard::RemoveAll() {
  while (oldest != nullptr) Remove(oldest);
}

void ValueCache::Shard::RemoveOne() {
  // From the oldest to the newest, and around. Each entry that was read since loses its mark and stays.
  Entry* candidate = hand != nullptr ? hand : oldest;
  while (candidate->visited) {
    candidate->visited = false;
    candidate = candidate->newer != nullptr ? candidate->newer : oldest;
  }
  hand = candidate;
  Remove(candidate);
}

void ValueCache::Clear() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mu);
    shard.RemoveAll();
    ++shard.epoch;
  }
}

ValueCache::Stats ValueCache::stats() const {
  Stats out;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mu);
    out.hits += shard.hits;
    out.misses += shard.misses;
    out.bytes += shard.bytes;
  }
  return out;
}

void ValueCache::Changing::Add(std::string_view key) {
  if (cache_ == nullptr) return;
  const size_t hash = std::hash<std::string_view>()(key);
  Shard& shard = cache_->ShardOf(hash);
  ++added_[IndexOf(hash)];
  MutexLock lock(shard.mu);
  ++shard.changing;
  const auto found = shard.entries.find(Wanted{hash, key});
  if (found != shard.entries.end()) shard.Remove(*found);
}

void ValueCache::Changing::AddAll() {
  if (cache_ == nullptr) return;
  for (size_t i = 0; i < kShards; ++i) {
    Shard& shard = cache_->shards_[i];
    ++added_[i];
    MutexLock lock(shard.mu);
    ++shard.changing;
    shard.RemoveAll();
  }
}

ValueCache::Changing::~Changing() {
  if (cache_ == nullptr) return;
  for (size_t i = 0; i < kShards; ++i) {
    if (added_[i] == 0) continue;
    Shard& shard = cache_->shards_[i];
    MutexLock lock(shard.mu);
    shard.changing -= added_[i];
    ++shard.epoch;
  }
}

}  // namespace rawkv
