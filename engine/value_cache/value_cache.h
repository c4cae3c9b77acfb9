#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>

#include "base/bytes.h"
#include "base/mutex.h"
#include "base/types.h"

namespace rawkv {

// Copies of values that were read lately. A read of a key that is here needs neither the index nor the
// device.
//
//   1. Find returns only values of the tip. From before a version becomes visible until after it has, none of
//      the keys that it changes is here, and none of them is inserted (Changing).
//   2. A reader inserts only a value that it looked up after its Find, and verified. The cache refuses it if
//   a
//      change of a key in the same shard has begun or ended since that Find (Ticket): the value may be old.
//   3. The memory in use does not exceed the capacity. Beyond it, values that were not read since the last
//   look
//      at them leave first (the SIEVE algorithm: Zhang et al., NSDI 2024).
//
// Thread-safe. No call waits for anything but a short critical section, none throws, and if there is no
// memory, a value is not inserted.
class ValueCache {
  static constexpr size_t kShards = 64;

 public:
  // Larger values are not inserted: reading one from the device costs little more than copying it.
  static constexpr uint64_t kValueBytesMax = 16 << 10;

  struct Stats {
    uint64_t hits = 0, misses = 0;  // since the cache was made
    uint64_t bytes = 0;             // in use now
  };

  // The permission to insert the value of one key. The default: none.
  class Ticket {
    friend class ValueCache;
    uint64_t epoch_ = 0;
    bool valid_ = false;
  };

  explicit ValueCache(uint64_t capacity_bytes) : shard_capacity_(capacity_bytes / kShards) {}
  ~ValueCache() { Clear(); }
  ValueCache(const ValueCache&) = delete;
  ValueCache& operator=(const ValueCache&) = delete;

  // Calls `use` with the value and its version, inside the critical section, and returns true; or returns
  // false and makes the ticket for Insert.
  template <typename Use>
  bool Find(std::string_view key, Ticket* ticket, const Use& use) {
    const size_t hash = std::hash<std::string_view>()(key);
    Shard& shard = ShardOf(hash);
    MutexLock lock(shard.mu);
    const auto found = shard.entries.find(Wanted{hash, key});
    if (found == shard.entries.end()) {
      ++shard.misses;
      ticket->epoch_ = shard.epoch;
      ticket->valid_ = shard.changing == 0;
      return false;
    }
    ++shard.hits;
    (*found)->visited = true;
    use((*found)->value(), (*found)->written_by);
    return true;
  }
  void Insert(std::string_view key, const Ticket& ticket, ConstBytes value, Version written_by);
  // Removes everything. A ticket from before is void.
  void Clear();
  Stats stats() const;

  // The keys that a commit group changes. Made, and filled, before the group becomes visible; destroyed after
  // that. Not thread-safe.
  class Changing {
   public:
    explicit Changing(ValueCache* cache) : cache_(cache) {}  // null: does nothing
    ~Changing();
    Changing(const Changing&) = delete;
    Changing& operator=(const Changing&) = delete;
    void Add(std::string_view key);
    void AddAll();  // every key that there may be

   private:
    ValueCache* const cache_;
    std::array<uint32_t, kShards> added_{};  // to each shard
  };

 private:
  struct Entry {
    size_t hash;
    Version written_by;
    Entry* newer;
    Entry* older;
    uint32_t key_bytes, value_bytes;
    bool visited;

    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
    ConstBytes value() const {
      return {reinterpret_cast<const std::byte*>(this + 1) + key_bytes, value_bytes};
    }
  };
  // A key to look for.
  struct Wanted {
    size_t hash;
    std::string_view key;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Entry* entry) const { return entry->hash; }
    size_t operator()(const Wanted& wanted) const { return wanted.hash; }
  };
  struct SameKey {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const { return a->key() == b->key(); }
    bool operator()(const Wanted& a, const Entry* b) const { return a.hash == b->hash && a.key == b->key(); }
    bool operator()(const Entry* a, const Wanted& b) const { return (*this)(b, a); }
  };
  struct alignas(64) Shard {
    mutable Mutex mu;
    std::unordered_set<Entry*, Hash, SameKey> entries RAWKV_GUARDED_BY(mu);
    Entry* newest RAWKV_GUARDED_BY(mu) = nullptr;
    Entry* oldest RAWKV_GUARDED_BY(mu) = nullptr;
    Entry* hand RAWKV_GUARDED_BY(mu) = nullptr;  // where the next search for an entry to remove begins
    uint64_t bytes RAWKV_GUARDED_BY(mu) = 0;
    uint64_t changing RAWKV_GUARDED_BY(mu) = 0;  // changes under way
    uint64_t epoch RAWKV_GUARDED_BY(mu) = 0;     // grows when a change has ended
    uint64_t hits RAWKV_GUARDED_BY(mu) = 0, misses RAWKV_GUARDED_BY(mu) = 0;

    void Remove(Entry* entry) RAWKV_REQUIRES(mu);
    void RemoveAll() RAWKV_REQUIRES(mu);
    void RemoveOne() RAWKV_REQUIRES(mu);
  };

  // What an entry costs, with the set's node and the allocator's own bytes.
  static uint64_t CostOf(const Entry& entry) {
    return sizeof(Entry) + 48 + entry.key_bytes + entry.value_bytes;
  }
  static size_t IndexOf(size_t hash) { return hash >> 58; }  // the set uses the low bits
  Shard& ShardOf(size_t hash) { return shards_[IndexOf(hash)]; }

  const uint64_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace rawkv
