#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rawkv {

// What a cache counts. kCacheFigures explains each field.
struct ObjectCacheStats {
  uint64_t objects = 0, bytes = 0, used_bytes = 0, capacity_bytes = 0;
  uint64_t pinned_objects = 0, pins = 0, waiting_puts = 0;
  uint64_t hits = 0, misses = 0;
  uint64_t stored = 0, stored_bytes = 0, existed = 0, refused = 0;
  uint64_t evicted = 0, evicted_bytes = 0, expired = 0, deleted = 0;
  uint64_t open_ms = 0;
  friend bool operator==(const ObjectCacheStats&, const ObjectCacheStats&) = default;
};

struct CacheFigure {
  std::string_view name;  // in JSON and text; the metric of Prometheus is "rawkv_cache_<name>"
  uint64_t ObjectCacheStats::*value;
  bool counter;  // since the open; otherwise a state of now
  std::string_view help;
};

inline constexpr CacheFigure kCacheFigures[] = {
    {"objects", &ObjectCacheStats::objects, false, "Objects that are stored."},
    {"bytes", &ObjectCacheStats::bytes, false, "Bytes of their values."},
    {"used_bytes", &ObjectCacheStats::used_bytes, false,
     "Bytes of slots of stored objects, of those under way, and of removed ones that are not free yet."},
    {"capacity_bytes", &ObjectCacheStats::capacity_bytes, false, "The most that used_bytes may be."},
    {"pinned_objects", &ObjectCacheStats::pinned_objects, false, "Objects with a pin."},
    {"pins", &ObjectCacheStats::pins, false, "Pins."},
    {"waiting_puts", &ObjectCacheStats::waiting_puts, false, "Puts that wait for room."},
    {"hits", &ObjectCacheStats::hits, true, "Keys of gets that were read."},
    {"misses", &ObjectCacheStats::misses, true, "Keys of gets that were not there."},
    {"stored", &ObjectCacheStats::stored, true, "Objects that puts stored."},
    {"stored_bytes", &ObjectCacheStats::stored_bytes, true, "Bytes of their values."},
    {"existed", &ObjectCacheStats::existed, true, "Keys of puts that were there already."},
    {"refused", &ObjectCacheStats::refused, true, "Keys of puts that were refused or failed."},
    {"evicted", &ObjectCacheStats::evicted, true, "Objects that were evicted."},
    {"evicted_bytes", &ObjectCacheStats::evicted_bytes, true, "Bytes of their values."},
    {"expired", &ObjectCacheStats::expired, true, "Objects that were removed after their time to live."},
    {"deleted", &ObjectCacheStats::deleted, true, "Objects that deletes removed."},
    {"open_ms", &ObjectCacheStats::open_ms, false, "Milliseconds that the open took."},
};

struct ObjectUsage {
  uint64_t objects = 0;
  uint64_t bytes = 0;  // of the values
  friend bool operator==(const ObjectUsage&, const ObjectUsage&) = default;
};

struct ObjectPin {
  std::string key;
  std::string owner;
  uint64_t count = 0;
  friend bool operator==(const ObjectPin&, const ObjectPin&) = default;
};

// What a cache reports about itself.
struct CacheReport {
  ObjectCacheStats stats;
  ObjectUsage usage;  // of the prefix that was asked for
  std::vector<ObjectPin> pins;
  friend bool operator==(const CacheReport&, const CacheReport&) = default;
};

}  // namespace rawkv
