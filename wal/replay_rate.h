#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace rawkv {

// How fast this process replays the log. Thread-safe.
class ReplayRate {
 public:
  // Notes a replay. A short one counts for nothing: it would show the time of everything around it.
  void Note(uint64_t log_bytes, uint64_t elapsed_ns) {
    constexpr uint64_t kLeastBytes = 1ull << 20;
    if (log_bytes < kLeastBytes || elapsed_ns == 0) return;
    const double rate = static_cast<double>(log_bytes) * 1e9 / static_cast<double>(elapsed_ns);
    bytes_per_second_ = rate < 1 ? 1 : static_cast<uint64_t>(rate);
  }
  // Of the newest replay that counts; 0: there was none.
  uint64_t bytes_per_second() const { return bytes_per_second_; }

 private:
  std::atomic<uint64_t> bytes_per_second_{0};
};

// Measures one replay. `rate` may be null; `clock` must not be null otherwise.
class ReplayTimer {
 public:
  ReplayTimer(ReplayRate* rate, Clock* clock)
      : rate_(rate), clock_(clock), begun_ns_(rate == nullptr ? 0 : clock->MonotonicNs()) {}
  void Add(uint64_t log_bytes) { log_bytes_ += log_bytes; }
  void Finish() {
    if (rate_ != nullptr) rate_->Note(log_bytes_, clock_->MonotonicNs() - begun_ns_);
  }

 private:
  ReplayRate* const rate_;
  Clock* const clock_;
  const uint64_t begun_ns_;
  uint64_t log_bytes_ = 0;
};

}  // namespace rawkv
