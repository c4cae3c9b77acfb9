#include "base/clock.h"

#include <chrono>

namespace rawkv {
namespace {

class MachineClock final : public Clock {
 public:
  uint64_t NowUnixMs() override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
  uint64_t MonotonicNs() override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }
};

}  // namespace

Clock& SystemClock() {
  static Clock& clock = *new MachineClock;
  return clock;
}

}  // namespace rawkv
