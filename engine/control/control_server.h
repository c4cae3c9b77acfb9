#pragma once

#include <functional>
#include <string>

#include "base/logger.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "engine/control/control_message.h"

namespace rawkv {

// Answers the requests of other processes to an open store, one after the other, from a thread of its own.
// Not thread-safe.
class ControlServer {
 public:
  // `perform` runs a request; the server's thread calls it.
  ControlServer(std::string lock_path, Logger& logger,
                std::function<ControlReply(const ControlRequest&)> perform)
      : lock_path_(std::move(lock_path)), logger_(logger), perform_(std::move(perform)) {}
  ~ControlServer() { Stop(); }

  // kFailedPrecondition, kIoError: requests cannot be taken; the store works without them.
  Status Start();
  // Waits for the request that is being performed, and takes no more. Idempotent; Start may follow.
  void Stop();

 private:
  void Run();
  Status Serve();

  const std::string lock_path_;
  Logger& logger_;
  const std::function<ControlReply(const ControlRequest&)> perform_;
  UniqueFd listening_;
  UniqueFd stop_, request_stop_;  // the two ends of a pipe
  Thread thread_;
};

}  // namespace rawkv
