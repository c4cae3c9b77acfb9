#pragma once

#include <atomic>
#include <cstdint>

#include "base/mutex.h"
#include "base/status.h"
#include "base/types.h"

namespace rawkv {

// The newest version that readers see.
//
//   1. A version that a read or a view returned is never above a later answer of Get.
//   2. After Get answered V, reads and views return V or a newer version, unless a rollback runs in between.
//
// RocksDB makes an index batch visible at some moment inside Apply, and reads take no lock. So neither order
// of "apply" and "store the number" keeps both rules by itself. Publish sets a flag around the two, and Get
// waits while the flag is set: until one index batch is applied in memory, never for a sync.
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

  // For an open and a rollback, while no reader is inside.
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
