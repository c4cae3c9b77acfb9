#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace rawkv {

// The state of a key of the cache. A key without an entry in the table is absent.
enum class ObjectState : uint8_t {
  kStoring,   // a put is under way
  kResident,  // stored
  kRemoving,  // a delete or an eviction is under way
};

// What the cache keeps in memory of one object: 20 bytes, without the key.
struct CachedObject {
  uint32_t next = 0;       // the next object with the same hash, or the next free entry
  uint32_t key_place = 0;  // in units of 8 bytes
  uint32_t bytes = 0;      // length of the value
  uint32_t expires = 0;    // seconds since 1970; 0: never
  uint16_t key_bytes = 0;  // 0: the entry is free
  ObjectState state = ObjectState::kStoring;
  bool held = false;  // pinned or leased
};

// The objects of the cache by key. An object has a number, which stays the same until it is removed. Numbers
// are reused, so they are dense. Beyond the key an object takes 20 bytes, 2 to 4 for its hash and up to 7
// that round the key's length up. Not thread-safe.
class ObjectTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kMaxKeyBytes = 65'000;

  ObjectTable();
  // Makes memory for so many objects at once.
  void Reserve(uint64_t objects);
  // The object of this key, or kNone.
  uint32_t Find(std::string_view key) const;
  // Adds a key of 1 to kMaxKeyBytes bytes that is not there.
  uint32_t Insert(std::string_view key);
  void Erase(uint32_t id);
  CachedObject& operator[](uint32_t id) { return objects_[id]; }
  const CachedObject& operator[](uint32_t id) const { return objects_[id]; }
  std::string_view key(uint32_t id) const;
  uint64_t size() const { return size_; }
  // Numbers are below this. Those whose key_bytes is 0 are free.
  uint32_t end() const { return static_cast<uint32_t>(objects_.size()); }

 private:
  static constexpr size_t kUnit = 8;
  static constexpr size_t kUnitsInBlock = (1u << 20) / kUnit;

  uint32_t& BucketOf(std::string_view key);
  uint32_t TakePlace(size_t units);
  char* PlaceAt(uint32_t place) const {
    return blocks_[place / kUnitsInBlock].get() + place % kUnitsInBlock * kUnit;
  }

  std::deque<CachedObject> objects_;
  uint32_t free_object_ = kNone;
  std::vector<uint32_t> buckets_;  // a power of two; the first object of each
  uint64_t size_ = 0;
  // The keys. The first 4 bytes of a free place name the next one of that size.
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t used_units_ = kUnitsInBlock;  // of the last block
  std::vector<uint32_t> free_places_;  // by units
};

}  // namespace rawkv
