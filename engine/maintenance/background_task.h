#pragma once

#include <functional>

#include "base/mutex.h"
#include "base/thread.h"

namespace rawkv {

// A thread that runs `work` once for each burst of requests. Requests made while it runs count for
// one more run. `work` must not throw.
class BackgroundTask {
 public:
  explicit BackgroundTask(std::function<void()> work) : work_(std::move(work)) {}
  ~BackgroundTask() { Stop(); }
  // Starts the thread; once. kIoError when the system refuses another thread.
  Status Start();
  void Request();
  // Waits for a run under way.
  void Stop();

 private:
  void Run();

  const std::function<void()> work_;
  Mutex mu_;
  CondVar changed_;
  bool requested_ RAWKV_GUARDED_BY(mu_) = false;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Thread thread_;
};

}  // namespace rawkv
