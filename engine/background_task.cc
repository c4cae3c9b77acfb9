#include "engine/background_task.h"

namespace rawkv {

BackgroundTask::BackgroundTask(std::function<void()> work)
    : work_(std::move(work)), thread_([this] { Run(); }) {}

void BackgroundTask::Request() {
  MutexLock lock(mu_);
  requested_ = true;
  changed_.NotifyOne();
}

void BackgroundTask::Stop() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

void BackgroundTask::Run() {
  for (;;) {
    {
      MutexLock lock(mu_);
      while (!requested_ && !stop_) changed_.Wait(mu_);
      if (stop_) return;
      requested_ = false;
    }
    work_();
  }
}

}  // namespace rawkv
