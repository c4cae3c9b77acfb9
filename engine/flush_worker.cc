#include "engine/flush_worker.h"

namespace rawkv {

FlushWorker::FlushWorker(BlockDevice& device) : device_(device), thread_([this] { Run(); }) {}

FlushWorker::~FlushWorker() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void FlushWorker::Start() {
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
    Status result = device_.Flush();
    mu_.Lock();
    result_ = std::move(result);
    done_ = true;
    changed_.NotifyAll();
  }
}

}  // namespace rawkv
