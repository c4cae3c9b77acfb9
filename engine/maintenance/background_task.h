#pragma once

#include <functional>

#include "base/mutex.h"
#include "base/thread.h"

namespace rawkv {

// A thread that runs `work` when it is requested. All requests during a run lead to one more run. `work` must
// not throw. Request is thread-safe.
class BackgroundTask {
 public:
  explicit BackgroundTask(std::function<void()> work) : work_(std::move(work)) {}
  ~BackgroundTask() { Stop(); }
  // Starts the thread. Call it once. kIoError: the system refuses another thread.
  Status Start();
  void Request();
  // Ends the thread; waits for a run under way. Idempotent.
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
