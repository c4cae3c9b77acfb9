#include "tools/quickstart_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tools/quickstart_process.h"

namespace rawkv::quickstart {
namespace {

int RunTask(const std::function<Status(int fd)>& task, int fd) {
  const Status status = task(fd);
  WorkerEvent last{.kind = WorkerEvent::Kind::kDone};
  if (!status.ok()) {
    last.kind = WorkerEvent::Kind::kFailed;
    last.code = status.code();
    const std::string& text = status.message();
    memcpy(last.text, text.data(), std::min(text.size(), sizeof(last.text) - 1));
  }
  return TellParent(fd, last).ok() && status.ok() ? 0 : 1;
}

}  // namespace

Status WorkerEvent::error() const {
  return Status(code == StatusCode::kOk ? StatusCode::kInternal : code, text);
}

Status TellParent(int fd, const WorkerEvent& event) {
  return WriteFully(fd, {reinterpret_cast<const char*>(&event), sizeof(event)});
}

Result<std::unique_ptr<Worker>> Worker::Start(const std::function<Status(int fd)>& task) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe2");
  UniqueFd in(fds[0]), out(fds[1]);
  const pid_t pid = fork();
  if (pid < 0) return Status::FromErrno(errno, "fork");
  if (pid == 0) {
    in.Reset();
    _exit(RunTask(task, out.get()));  // nothing of the parent's is unwound here
  }
  return std::unique_ptr<Worker>(new Worker(pid, std::move(in)));
}

Result<std::optional<WorkerEvent>> Worker::Next() {
  WorkerEvent event;
  auto* raw = reinterpret_cast<char*>(&event);
  for (size_t done = 0; done < sizeof(event);) {
    const ssize_t n = read(events_.get(), raw + done, sizeof(event) - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Status::FromErrno(errno, "reading from a worker process");
    if (n == 0) return std::optional<WorkerEvent>();
    done += static_cast<size_t>(n);
  }
  event.text[sizeof(event.text) - 1] = '\0';
  return std::optional<WorkerEvent>(event);
}

void Worker::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Reap();
}

std::string Worker::Reap() {
  int wait_status = 0;
  while (waitpid(pid_, &wait_status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (!WIFSIGNALED(wait_status)) return "status " + std::to_string(WEXITSTATUS(wait_status));
  return "signal " + std::to_string(WTERMSIG(wait_status));
}

Status RunInWorker(const std::function<Status()>& task) {
  RAWKV_ASSIGN_OR_RETURN(const auto worker, Worker::Start([&](int) { return task(); }));
  RAWKV_ASSIGN_OR_RETURN(const auto last, worker->Next());
  if (!last.has_value()) return Status::Internal("a worker process ended by " + worker->Reap());
  return last->kind == WorkerEvent::Kind::kDone ? Status::Ok() : last->error();
}

}  // namespace rawkv::quickstart
