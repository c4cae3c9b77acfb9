#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv::quickstart {

// What a worker tells over its pipe. At its end comes kDone or kFailed; the others are its task's. One
// event is one write(2) below PIPE_BUF, so a killed worker leaves whole events only.
struct WorkerEvent {
  enum class Kind : uint32_t { kOpened, kCompared, kBegun, kCommitted, kDone, kFailed };
  Kind kind = Kind::kFailed;
  StatusCode code = StatusCode::kOk;  // kFailed
  uint64_t version = 0;
  uint64_t nanoseconds = 0;  // kOpened, kCommitted: how long it took
  uint64_t keys = 0;         // kCompared
  uint64_t value_bytes = 0;
  char text[1000] = {};  // kFailed

  Status error() const;  // of kFailed
};
static_assert(sizeof(WorkerEvent) <= 4096, "an event must be one atomic write to a pipe");

// Called in a worker.
Status TellParent(int fd, const WorkerEvent& event);

// A forked process that does one task. An open store belongs into one as long as others are still to be
// forked: the engine's threads (RocksDB's among them, which outlive a closed store) do not survive a fork,
// and the child would wait for them for ever. Killed and reaped when destroyed. Not thread-safe.
class Worker {
 public:
  // `task` gets the descriptor for TellParent. The caller must have no threads.
  static Result<std::unique_ptr<Worker>> Start(const std::function<Status(int fd)>& task);
  ~Worker() { Kill(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Nothing: the worker has ended, and all it told has been read.
  Result<std::optional<WorkerEvent>> Next();
  void Kill();
  std::string Reap();  // waits; how it ended, for people

 private:
  Worker(pid_t pid, UniqueFd events) : pid_(pid), events_(std::move(events)) {}
  pid_t pid_;  // -1: reaped
  UniqueFd events_;
};

// Does the task in a worker, to its end; its status.
Status RunInWorker(const std::function<Status()>& task);

}  // namespace rawkv::quickstart
