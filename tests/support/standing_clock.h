#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace rawkv {

// A wall clock that stands until a test sets it. Durations are real.
class StandingClock final : public Clock {
 public:
  uint64_t NowUnixMs() override { return now_unix_ms.load(); }
  uint64_t MonotonicNs() override { return SystemClock().MonotonicNs(); }
  std::atomic<uint64_t> now_unix_ms{1'000'000'000};
};

}  // namespace rawkv
