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

// When a worker dies: after so many messages, and then so much later; with none, so long after its start.
struct KillMoment {
  uint64_t messages = 0;
  uint64_t then_ns = 0;
};

// A worker: this program once more (posix_spawn, so that threads of earlier opens do not matter), with a pipe
// on which it tells. Killed and reaped when destroyed. Not thread-safe.
class WorkerProcess {
 public:
  // `arguments` behind argv[0]; the worker finds the pipe at descriptor kPipe.
  static constexpr int kPipe = 3;
  static Result<std::unique_ptr<WorkerProcess>> Start(const std::string& program,
                                                      std::vector<std::string> arguments);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Waits for the moment, sends SIGKILL, waits for the end: all that it told. When the worker ended by
  // itself, the error of its own words; kInternal, with what its threads wait for, when it goes silent for
  // three minutes.
  Result<std::vector<Message>> KillAt(const KillMoment& moment);

 private:
  WorkerProcess() = default;
  // Messages until there are `enough`, or the pipe ends, or until `deadline_ns`.
  Status Listen(size_t enough, uint64_t deadline_ns);
  Status ReadSome();
  Status EndedByItself(int wait_status) const;

  pid_t pid_ = -1;          // -1: reaped
  UniqueFd pipe_, stderr_;  // stderr_: a memory file that the worker writes to
  bool pipe_ended_ = false;
  std::vector<Message> heard_;
};

// The worker's side: one message is one write(2) below PIPE_BUF, so that a killed worker leaves whole ones.
class PipeTeller final : public Teller {
 public:
  explicit PipeTeller(int fd) : fd_(fd) {}
  void Tell(const Message& message) override;  // ends the process when nobody listens any more

 private:
  const int fd_;
};

}  // namespace rawkv::torture
