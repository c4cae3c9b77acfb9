#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/api/options.h"
#include "engine/cache_table/eviction_policy.h"

namespace rawkv {

// The most bytes that the objects whose keys begin with a prefix may take. A key counts for the longest
// prefix that fits.
struct PrefixQuota {
  std::string prefix;
  uint64_t bytes_max = 0;
};

// How a cache uses its store. docs/cache.md shows the same options in JSON.
struct RAWKV_EXPORT ObjectCacheOptions {
  std::string directory;               // of the store
  bool format_if_missing = true;       // make the store if there is none
  bool start_empty = false;            // remove all objects at the open
  std::string device;                  // path; empty: the file device.img in the directory
  uint64_t device_bytes = 1ull << 30;  // of a device file that the format makes
  uint64_t slot_bytes = 64 << 10;      // of a store that the format makes
  uint64_t header_bytes = 0;           // as FormatOptions::header_bytes

  // The most bytes that objects may take on the device, each rounded up to slots; 0: the whole device.
  uint64_t capacity_bytes = 0;
  EvictionKind eviction = EvictionKind::kLru;
  // Eviction begins once more than this part of the capacity is in use, 0.01 … 1, and then frees
  // `eviction_ratio` of the capacity, 0.001 … 1.
  double trigger_watermark = 0.9;
  double eviction_ratio = 0.1;
  // Off: nothing is evicted, and a put that finds no room is refused with kNoSpace.
  bool evict = true;
  std::vector<PrefixQuota> quotas;  // of different prefixes
  uint64_t ttl_seconds = 0;         // of objects whose put names none; 0: they never expire
  // How often the cache saves the order of use, so that a crash forgets no more uses than of this time; 0:
  // only when it is closed.
  uint64_t recency_interval_seconds = 60;

  IoEngine engine = IoEngine::kAuto;
  CacheMode device_cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;
  Durability durability = Durability::kSynced;
  uint64_t snapshot_log_bytes = 8ull << 20;  // bounds what an open after a crash has to replay
  Environment env;

  // Reads the options from a JSON object; docs/cache.md lists the keys. The defaults are those of that page.
  // kInvalidArgument: no JSON, an unknown key, a wrong value or a contradiction; the message names the key.
  static Result<ObjectCacheOptions> FromJson(std::string_view text);
  // kInvalidArgument: an option is out of range or contradicts another one; the message names it.
  Status Validate() const;
};

}  // namespace rawkv
