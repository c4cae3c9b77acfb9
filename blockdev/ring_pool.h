#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// Rings for concurrent batches. Each running batch has a ring of its own. The pool makes a new ring if all
// others are busy, up to kMaxRings; then callers wait. Thread-safe; holds no lock during I/O.
class RingPool {
 public:
  // A ring of depth 64 takes about 8 KiB and a descriptor. A batch waits only while sixteen others keep the
  // device busy.
  static constexpr size_t kMaxRings = 16;
  using Make = std::function<Result<std::unique_ptr<IoRing>>()>;

  // `first` is the first ring; `make` makes the others.
  RingPool(std::unique_ptr<IoRing> first, Make make);

  // Returns a ring for exclusive use. An error only if no ring exists and none can be made.
  Result<std::unique_ptr<IoRing>> Take() RAWKV_EXCLUDES(mu_);
  // Takes the ring back. Null means that the caller has destroyed it.
  void Return(std::unique_ptr<IoRing> ring) RAWKV_EXCLUDES(mu_);

 private:
  const Make make_;
  Mutex mu_;
  CondVar returned_;
  std::vector<std::unique_ptr<IoRing>> idle_ RAWKV_GUARDED_BY(mu_);
  size_t made_ RAWKV_GUARDED_BY(mu_) = 0;           // idle or taken
  size_t limit_ RAWKV_GUARDED_BY(mu_) = kMaxRings;  // lowered if the system refuses another ring
};

}  // namespace rawkv
