#pragma once

#include <string>

#include "engine/cache_api/cache_options.h"

namespace rawkv {

// The cache that cache_kill_test.cc and its process share.
inline constexpr uint64_t kKillSlot = 4096;
inline ObjectCacheOptions KillOptions(const std::string& directory) {
  ObjectCacheOptions options;
  options.directory = directory;
  options.device_bytes = 2 << 20;
  options.slot_bytes = kKillSlot;
  options.trigger_watermark = 1;
  options.recency_interval_seconds = 1;
  options.env.logger = &NullLogger();
  return options;
}

}  // namespace rawkv
