#pragma once

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv {

// The first failed sync ends all commits until the store is reopened (invariant 10): the content of the log
// or the device is then unknown, and a second sync would succeed although data is gone. Thread-safe.
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
  // Ok, or kPoisoned with the first error.
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
