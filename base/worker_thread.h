#pragma once

#include <functional>

#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"

namespace rawkv {

// A thread that does the same work each time that it is requested. All requests that come while the work is
// under way lead to one more run. Thread-safe, except Start, Stop and the destructor.
class WorkerThread {
 public:
  // An exception that leaves `work` becomes its result.
  explicit WorkerThread(std::function<Status()> work) : work_(std::move(work)) {}
  ~WorkerThread() { Stop(); }
  // Starts the thread. Call it once, before anything else. kIoError: the system refuses another thread.
  Status Start();
  void Request();
  // Waits until everything that was requested before is done, and returns the result of the last run. Must
  // not be called after Stop.
  Status Wait();
  // Ends the thread. Waits for a run under way, and drops a request that has not begun. Idempotent.
  void Stop();

 private:
  void Run();

  const std::function<Status()> work_;
  Mutex mu_;
  CondVar changed_;
  bool requested_ RAWKV_GUARDED_BY(mu_) = false;
  bool running_ RAWKV_GUARDED_BY(mu_) = false;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Status result_ RAWKV_GUARDED_BY(mu_);
  Thread thread_;
};

}  // namespace rawkv
