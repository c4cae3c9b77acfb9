#pragma once

#include <cstdint>

#include "engine/api/options.h"

namespace rawkv {

struct TrimOptions {
  ProgressFn progress;  // in bytes
};

// What Engine::TrimDevice discarded.
struct TrimReport {
  uint64_t slots = 0;
  uint64_t bytes = 0;  // of these slots
};

}  // namespace rawkv
