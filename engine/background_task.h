#pragma once

#include <functional>
#include <thread>

#include "base/mutex.h"

namespace rawkv {

// A thread that runs `work` once for each burst of requests. Requests made while it runs count for
// one more run. Stop waits for a run under way.
class BackgroundTask {
 public:
  explicit BackgroundTask(std::function<void()> work);
  ~BackgroundTask() { Stop(); }
  void Request();
  void Stop();

 private:
  void Run();

  const std::function<void()> work_;
  Mutex mu_;
  CondVar changed_;
  bool requested_ RAWKV_GUARDED_BY(mu_) = false;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace rawkv
