#pragma once

#include <cstdint>

#include "base/export.h"

namespace rawkv {

// Source of time. It is a parameter of its users, so that tests can replace it. Thread-safe.
class RAWKV_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  virtual uint64_t NowUnixMs() = 0;    // wall clock, milliseconds since 1970
  virtual uint64_t MonotonicNs() = 0;  // for durations only
};

// The machine's clocks. Lives as long as the process.
RAWKV_EXPORT Clock& SystemClock();

}  // namespace rawkv
