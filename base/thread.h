#pragma once

#include <functional>
#include <thread>

#include "base/status.h"

namespace rawkv {

// A thread whose start can fail with a Status. Start and Join are not thread-safe.
class Thread {
 public:
  Thread() = default;
  ~Thread() { Join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs `body`, which must not throw, on a new thread. An earlier thread must have been joined. kIoError if
  // the system refuses another thread; nothing has changed then.
  Status Start(std::function<void()> body);
  // Waits for the end of the thread, if one was started.
  void Join();

 private:
  std::thread thread_;
};

}  // namespace rawkv
