#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace rawkv {

// Limits a reader to a number of bytes a second, and lets another thread end its wait. One reader at a time;
// Stop is for any thread.
class Throttle {
 public:
  explicit Throttle(Clock& clock) : clock_(clock) {}

  // Begins a run. 0: no limit.
  void Begin(uint64_t bytes_per_second);
  // Accounts for bytes that were read, and waits until they are due. False after Stop.
  bool Spend(uint64_t bytes);
  // Waits for `ms`. False after Stop.
  bool Rest(uint64_t ms);
  void Stop();
  bool stopped() const;

 private:
  bool WaitUntil(uint64_t due_ns) RAWKV_REQUIRES(mu_);

  Clock& clock_;
  mutable Mutex mu_;
  CondVar changed_;
  bool stopped_ RAWKV_GUARDED_BY(mu_) = false;
  uint64_t bytes_per_second_ = 0;  // only the reader uses it
  uint64_t due_ns_ = 0;            // the time at which the bytes read so far are due; only the reader uses it
};

}  // namespace rawkv
