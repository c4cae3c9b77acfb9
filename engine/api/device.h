#pragma once

#include <cstdint>
#include <optional>

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

struct GrowOptions {
  // Makes the device file so large first, in bytes: a multiple of 4096, and more than it has. Only for a
  // device that is a file. Absent: uses what the device has.
  std::optional<uint64_t> capacity_bytes;
};

// What Engine::GrowDevice did.
struct GrowReport {
  uint64_t capacity_before = 0, capacity = 0;  // of the device, in bytes
  uint64_t slots_before = 0, slots = 0;        // of the store; equal if there was no room for more
};

}  // namespace rawkv
