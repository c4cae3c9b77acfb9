#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// Rings for concurrent batches: a batch has one to itself while it runs. Made when all others are
// busy, up to kMaxRings; beyond that callers wait. Thread-safe; no lock is held during I/O.
class RingPool {
 public:
  // A ring of depth 64 takes some 8 KiB and a descriptor; a batch waits only while sixteen others
  // keep the device busy.
  static constexpr size_t kMaxRings = 16;
  using Make = std::function<Result<std::unique_ptr<IoRing>>()>;

  // `first` proved that rings can be made; `make` makes the others.
  RingPool(std::unique_ptr<IoRing> first, Make make);

  // A ring for the caller alone. An error only if none exists and none can be made.
  Result<std::unique_ptr<IoRing>> Take() RAWKV_EXCLUDES(mu_);
  // Gives it back; null tells that the ring had to be destroyed.
  void Return(std::unique_ptr<IoRing> ring) RAWKV_EXCLUDES(mu_);

 private:
  const Make make_;
  Mutex mu_;
  CondVar returned_;
  std::vector<std::unique_ptr<IoRing>> idle_ RAWKV_GUARDED_BY(mu_);
  size_t made_ RAWKV_GUARDED_BY(mu_) = 0;           // idle or taken
  size_t limit_ RAWKV_GUARDED_BY(mu_) = kMaxRings;  // lowered when the system gives no more
};

}  // namespace rawkv
