#pragma once

#include <cstdint>

namespace rawkv {

// Source of identities (UUIDs, lineages). A seam, so that tests can repeat a run. Thread-safe.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t NextU64() = 0;
};

// getrandom(2). Lives as long as the process.
Entropy& SystemEntropy();

}  // namespace rawkv
