#include "blockdev/ring_pool.h"

#include <algorithm>

#include "base/exception_status.h"

namespace rawkv {

RingPool::RingPool(std::unique_ptr<IoRing> first, Make make) : make_(std::move(make)) {
  idle_.reserve(kMaxRings);
  idle_.push_back(std::move(first));
  made_ = 1;
}

Result<std::unique_ptr<IoRing>> RingPool::Take() {
  mu_.Lock();
  for (;;) {
    while (idle_.empty() && made_ >= limit_) returned_.Wait(mu_);
    if (!idle_.empty()) {
      std::unique_ptr<IoRing> ring = std::move(idle_.back());
      idle_.pop_back();
      mu_.Unlock();
      return ring;
    }
    ++made_;
    mu_.Unlock();
    Result<std::unique_ptr<IoRing>> made = NoThrow(make_);  // a system call, so not under the lock
    if (made.ok()) return made;
    mu_.Lock();
    --made_;
    limit_ = std::max<size_t>(made_, 1);
    if (made_ == 0) {
      // No ring exists that could be returned, so every waiting caller must try to make one.
      mu_.Unlock();
      returned_.NotifyAll();
      return made.status();
    }
  }
}

void RingPool::Return(std::unique_ptr<IoRing> ring) {
  {
    MutexLock lock(mu_);
    if (ring != nullptr) {
      idle_.push_back(std::move(ring));
    } else {
      --made_;
    }
  }
  returned_.NotifyOne();
}

}  // namespace rawkv
