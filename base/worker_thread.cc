#include "base/worker_thread.h"

#include <utility>

#include "base/exception_status.h"

namespace rawkv {

Status WorkerThread::Start() {
  return thread_.Start([this] { Run(); });
}

void WorkerThread::Request() {
  MutexLock lock(mu_);
  requested_ = true;
  changed_.NotifyAll();
}

Status WorkerThread::Wait() {
  MutexLock lock(mu_);
  while (requested_ || running_) changed_.Wait(mu_);
  return result_;
}

void WorkerThread::Stop() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

void WorkerThread::Run() {
  MutexLock lock(mu_);
  for (;;) {
    while (!requested_ && !stop_) changed_.Wait(mu_);
    if (stop_) return;
    requested_ = false;
    running_ = true;
    mu_.Unlock();
    Status result = NoThrow([this] { return work_(); });
    mu_.Lock();
    running_ = false;
    result_ = std::move(result);
    changed_.NotifyAll();
  }
}

}  // namespace rawkv
