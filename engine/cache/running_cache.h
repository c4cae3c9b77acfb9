#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/result.h"
#include "engine/cache_api/cache_report.h"
#include "engine/control/running_store.h"

namespace rawkv {

// A cache that another process has open. That process performs each call, as for RunningStore, which
// documents the errors. kNotSupported also: the process has the store open without a cache. Thread-safe.
class RAWKV_EXPORT RunningCache {
 public:
  // kNotFound: no process takes requests for the store in `dir`.
  static Result<RunningCache> Find(const std::string& dir);

  // With the usage of the objects whose keys begin with `prefix`, and at most 10,000 pins.
  Result<CacheReport> Report(std::string_view prefix = {}) const;
  Result<uint64_t> Evict(uint64_t bytes) const;  // ObjectCache::Evict
  // Pins of the owner "operator", which end with Unpin or with the process. False: there is no such object,
  // or no such pin.
  Result<bool> Pin(std::string_view key) const;
  Result<bool> Unpin(std::string_view key) const;

 private:
  explicit RunningCache(RunningStore store) : store_(std::move(store)) {}

  RunningStore store_;
};

}  // namespace rawkv
