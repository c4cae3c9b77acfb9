#pragma once

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv {

// The first failed sync ends commits for good (invariant 10): what the device or the log then
// holds is unknown, and asking again would get a lie. Thread-safe.
class Poison {
 public:
  // Keeps the first error; later ones change nothing.
  void Set(const Status& error) {
    MutexLock lock(mu_);
    if (first_.ok()) first_ = error;
  }
  Status first() const {
    MutexLock lock(mu_);
    return first_;
  }
  // Ok, or kPoisoned telling the first error.
  Status Check() const {
    const Status error = first();
    if (error.ok()) return error;
    return Status::Poisoned("the store takes no more commits since an earlier error (" + error.ToString() +
                            "); close and reopen it");
  }

 private:
  mutable Mutex mu_;
  Status first_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
