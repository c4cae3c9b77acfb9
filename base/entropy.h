#pragma once

#include <cstdint>

#include "base/export.h"

namespace rawkv {

// Source of random identities (UUIDs, lineages). Tests replace it to repeat a run. Thread-safe.
class RAWKV_EXPORT Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t NextU64() = 0;
};

// Uses getrandom(2). Lives as long as the process.
RAWKV_EXPORT Entropy& SystemEntropy();

}  // namespace rawkv
