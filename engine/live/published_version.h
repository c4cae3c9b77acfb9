#pragma once

#include <atomic>
#include <cstdint>

#include "base/mutex.h"
#include "base/status.h"
#include "base/types.h"

namespace rawkv {

// The newest version that readers see.
//
//   1. What a read or a view returned is never newer than what Get answers afterwards.
//   2. After Get answered V, reads and views return V or something newer, unless a rollback comes between.
//
// RocksDB makes an index batch visible somewhere inside Apply, and reads take no lock. So neither order of
// "apply" and "store the number" keeps both rules by itself. Publish raises a flag around the two, and Get
// waits while the flag is up: for one index batch to be applied in memory, never for a sync.
//
// Get is thread-safe. Publish and Reset are for the holder of the WriteRight.
class PublishedVersion {
 public:
  Version Get() const {
    if (publishing_.load()) {
      MutexLock wait(mu_);
    }
    return Version(version_.load());
  }

  // Runs `apply`, which makes `next` visible to readers, and publishes the number if it succeeds.
  template <typename Apply>
  Status Publish(Version next, const Apply& apply) {
    MutexLock lock(mu_);
    const Raised raised(publishing_);
    Status status = apply();
    if (status.ok()) version_.store(next.value());
    return status;
  }

  // While no reader is inside: at open and in a rollback.
  void Reset(Version version) { version_.store(version.value()); }

 private:
  class Raised {
   public:
    explicit Raised(std::atomic<bool>& flag) : flag_(flag) { flag_.store(true); }
    ~Raised() { flag_.store(false); }
    Raised(const Raised&) = delete;
    Raised& operator=(const Raised&) = delete;

   private:
    std::atomic<bool>& flag_;
  };

  mutable Mutex mu_;  // held while a version is being published
  std::atomic<bool> publishing_{false};
  std::atomic<uint64_t> version_{0};
};

}  // namespace rawkv
