#include "engine/maintenance/throttle.h"

#include <algorithm>

namespace rawkv {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
// The most unused time that is saved up. More of it would allow a burst, which the limit must prevent.
constexpr uint64_t kSavedNs = kNsPerSecond / 10;
constexpr uint64_t kMaxSeconds = 1'000'000'000;
constexpr uint64_t kWaitMs = 1000;

}  // namespace

void Throttle::Begin(uint64_t bytes_per_second) {
  bytes_per_second_ = bytes_per_second;
  due_ns_ = clock_.MonotonicNs();
  MutexLock lock(mu_);
  stopped_ = false;
}

bool Throttle::Spend(uint64_t bytes) {
  MutexLock lock(mu_);
  if (bytes_per_second_ == 0) return !stopped_;
  const uint64_t now = clock_.MonotonicNs();
  due_ns_ = std::max(due_ns_, now - std::min(now, kSavedNs));
  // Whole seconds and the rest separately, and with a bound, so that no product overflows.
  due_ns_ += std::min(bytes / bytes_per_second_, kMaxSeconds) * kNsPerSecond +
             static_cast<uint64_t>(static_cast<double>(bytes % bytes_per_second_) /
                                   static_cast<double>(bytes_per_second_) * kNsPerSecond);
  return WaitUntil(due_ns_);
}

bool Throttle::Rest(uint64_t ms) {
  MutexLock lock(mu_);
  return WaitUntil(clock_.MonotonicNs() + ms * 1'000'000);
}

bool Throttle::WaitUntil(uint64_t due_ns) {
  while (!stopped_) {
    const uint64_t at = clock_.MonotonicNs();
    if (at >= due_ns) break;
    changed_.WaitForMs(mu_, static_cast<int64_t>(std::min((due_ns - at) / 1'000'000 + 1, kWaitMs)));
  }
  return !stopped_;
}

void Throttle::Stop() {
  MutexLock lock(mu_);
  stopped_ = true;
  changed_.NotifyAll();
}

bool Throttle::stopped() const {
  MutexLock lock(mu_);
  return stopped_;
}

}  // namespace rawkv
