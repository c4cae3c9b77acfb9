#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tools/torture/message.h"

namespace rawkv::torture {

// The moment at which a worker is killed: `then_ns` after its message number `messages`, or after its start
// if that is 0.
struct KillMoment {
  uint64_t messages = 0;
  uint64_t then_ns = 0;
};

// A worker: another process of this program with a pipe for its messages. It is started with posix_spawn, so
// that threads of earlier opens do not matter. The destructor kills and reaps it. Not thread-safe.
class WorkerProcess {
 public:
  // `arguments` follow argv[0]. The worker finds the pipe at descriptor kPipe.
  static constexpr int kPipe = 3;
  static Result<std::unique_ptr<WorkerProcess>> Start(const std::string& program,
                                                      std::vector<std::string> arguments);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Waits for the moment, sends SIGKILL, and waits for the end. Returns all messages of the worker. If the
  // worker ended by itself, the error contains its error output. kInternal, with the waits of its threads, if
  // the worker sends no message for three minutes.
  Result<std::vector<Message>> KillAt(const KillMoment& moment);

 private:
  WorkerProcess() = default;
  // Reads messages until there are `enough`, the pipe ends, or `deadline_ns` has passed.
  Status ReadMessages(size_t enough, uint64_t deadline_ns);
  Status ReadAvailable();
  Status ErrorOfUnexpectedEnd(int wait_status) const;

  pid_t pid_ = -1;          // -1: reaped
  UniqueFd pipe_, stderr_;  // stderr_: a memory file that the worker writes to
  bool pipe_ended_ = false;
  std::vector<Message> messages_;
};

// The worker's side of the pipe. Each message is one write(2) below PIPE_BUF, so a killed worker leaves whole
// messages.
class PipeSink final : public MessageSink {
 public:
  explicit PipeSink(int fd) : fd_(fd) {}
  void Send(const Message& message) override;  // ends the process if the reader has closed the pipe

 private:
  const int fd_;
};

}  // namespace rawkv::torture
