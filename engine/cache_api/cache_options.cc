#include "engine/cache_api/cache_options.h"

#include <set>

namespace rawkv {
namespace {

// The number without trailing zeros.
std::string Text(double number) {
  std::string text = std::to_string(number);
  while (text.back() == '0') text.pop_back();
  return text;
}

}  // namespace

Status ObjectCacheOptions::Validate() const {
  if (directory.empty())
    return Status::InvalidArgument("directory: a cache needs the directory of its store");
  if (!(trigger_watermark >= 0.01 && trigger_watermark <= 1)) {
    return Status::InvalidArgument("trigger_watermark " + Text(trigger_watermark) + ": must be 0.01 to 1");
  }
  if (!(eviction_ratio >= 0.001 && eviction_ratio <= 1)) {
    return Status::InvalidArgument("eviction_ratio " + Text(eviction_ratio) + ": must be 0.001 to 1");
  }
  if (capacity_bytes != 0 && capacity_bytes < slot_bytes) {
    return Status::InvalidArgument("capacity_bytes " + std::to_string(capacity_bytes) +
                                   ": must be 0 or at least slot_bytes, " + std::to_string(slot_bytes));
  }
  std::set<std::string> prefixes;
  for (const PrefixQuota& quota : quotas) {
    if (quota.prefix.empty()) {
      return Status::InvalidArgument("quotas: an empty prefix; capacity_bytes bounds the whole cache");
    }
    if (!prefixes.insert(quota.prefix).second) {
      return Status::InvalidArgument("quotas: the prefix " + quota.prefix + " occurs twice");
    }
  }
  return Status::Ok();
}

}  // namespace rawkv
