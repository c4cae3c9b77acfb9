#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace rawkv {

// Keeps a reader to so many bytes a second, and lets someone else end its waiting. One reader at a time;
// Stop from any thread.
class Throttle {
 public:
  explicit Throttle(Clock& clock) : clock_(clock) {}

  // A new run. 0: no limit.
  void Begin(uint64_t bytes_per_second);
  // Accounts for bytes just read, and waits until they are due. False once stopped.
  bool Spend(uint64_t bytes);
  // Waits that long, whatever was read. False once stopped.
  bool Rest(uint64_t ms);
  void Stop();
  bool stopped() const;

 private:
  bool WaitUntil(uint64_t due_ns) RAWKV_REQUIRES(mu_);

  Clock& clock_;
  mutable Mutex mu_;
  CondVar changed_;
  bool stopped_ RAWKV_GUARDED_BY(mu_) = false;
  uint64_t bytes_per_second_ = 0;  // the reader's
  uint64_t due_ns_ = 0;            // when what has been read so far may have been
};

}  // namespace rawkv
