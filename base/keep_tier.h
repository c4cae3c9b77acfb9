#pragma once

#include <cstdint>
#include <vector>

namespace rawkv {

// One snapshot for each period of `every_seconds` stays for `for_seconds`.
struct KeepTier {
  uint64_t every_seconds = 0;
  uint64_t for_seconds = 0;
  friend bool operator==(const KeepTier&, const KeepTier&) = default;
};

// By ascending period; a longer period is kept for a longer time.
using KeepTiers = std::vector<KeepTier>;

}  // namespace rawkv
