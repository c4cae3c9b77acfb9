#include "engine/commit/flush_worker.h"

#include "base/exception_status.h"

namespace rawkv {

FlushWorker::~FlushWorker() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

Status FlushWorker::Start() {
  return thread_.Start([this] { Run(); });
}

void FlushWorker::Begin() {
  MutexLock lock(mu_);
  wanted_ = true;
  done_ = false;
  changed_.NotifyAll();
}

Status FlushWorker::Wait() {
  MutexLock lock(mu_);
  while (!done_) changed_.Wait(mu_);
  return result_;
}

void FlushWorker::Run() {
  MutexLock lock(mu_);
  for (;;) {
    while (!wanted_ && !stop_) changed_.Wait(mu_);
    if (!wanted_) return;
    wanted_ = false;
    mu_.Unlock();
    Status result = NoThrow([this] { return device_.Flush(); });
    mu_.Lock();
    result_ = std::move(result);
    done_ = true;
    changed_.NotifyAll();
  }
}

}  // namespace rawkv
