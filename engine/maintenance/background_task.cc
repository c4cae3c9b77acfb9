#include "engine/maintenance/background_task.h"

namespace rawkv {

Status BackgroundTask::Start() {
  return thread_.Start([this] { Run(); });
}

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
  thread_.Join();
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
