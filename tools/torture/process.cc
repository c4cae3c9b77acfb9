#include "tools/torture/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string_view>

#include "base/clock.h"
#include "base/fs.h"
#include "tools/cli/child_process.h"
#include "tools/cli/exit_status.h"

namespace rawkv::torture {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
// A worker that sends nothing for this time counts as hanging. Long enough for a machine that is busy with
// many other syncs, because a slow worker is not a fault.
constexpr uint64_t kHangNs = 180 * kSecondNs;

// For each thread of a process: its name, and where it waits in the kernel. This distinguishes a deadlock
// from a disk that does not answer.
std::string DescribeThreadWaits(pid_t pid) {
  std::string out;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const auto names = PosixFs().List(tasks);
  if (!names.ok()) return names.status().ToString();
  for (const std::string& task : *names) {
    for (const char* file : {"comm", "wchan", "syscall"}) {
      std::ifstream in(tasks + "/" + task + "/" + file);
      std::string word;
      in >> word;
      out += (std::string_view(file) == "comm" ? "; " : " ") + word;
    }
  }
  return out;
}

std::string ReadErrorOutput(const UniqueFd& file) {
  constexpr size_t kShownBytes = 2000;
  std::string text = ctl::ReadMemoryFile(file).substr(0, kShownBytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// An I/O error of the machine is not a fault of the store; any other end of a worker is one.
StatusCode CodeOf(int exit_status) {
  return exit_status == static_cast<int>(ctl::ExitStatus::kIoError) ? StatusCode::kIoError
                                                                    : StatusCode::kCorruption;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(const std::string& program,
                                                            std::vector<std::string> arguments) {
  auto worker = std::unique_ptr<WorkerProcess>(new WorkerProcess());
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe2");
  worker->pipe_ = UniqueFd(fds[0]);
  const UniqueFd far_end(fds[1]);
  RAWKV_ASSIGN_OR_RETURN(worker->stderr_, ctl::MakeMemoryFile());
  RAWKV_ASSIGN_OR_RETURN(
      worker->pid_,
      ctl::StartChild({.path = program,
                       .arguments = std::move(arguments),
                       .descriptors = {{far_end.get(), kPipe}, {worker->stderr_.get(), STDERR_FILENO}}}));
  return worker;
}

WorkerProcess::~WorkerProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  ctl::WaitForChild(pid_);
}

Status WorkerProcess::ReadAvailable() {
  Message messages[64];
  const ssize_t n = read(pipe_.get(), messages, sizeof(messages));
  if (n < 0) return errno == EINTR ? Status::Ok() : Status::FromErrno(errno, "reading from a worker");
  // A read returns only whole messages, because each message was one write and the buffer holds whole
  // messages.
  messages_.insert(messages_.end(), messages, messages + static_cast<size_t>(n) / sizeof(Message));
  pipe_ended_ = n == 0;
  return Status::Ok();
}

Status WorkerProcess::ReadMessages(size_t enough, uint64_t deadline_ns) {
  while (!pipe_ended_ && messages_.size() < enough) {
    const uint64_t now_ns = SystemClock().MonotonicNs();
    if (now_ns >= deadline_ns) return Status::Ok();
    const uint64_t left_ns = deadline_ns - now_ns;
    const timespec left = {static_cast<time_t>(left_ns / kSecondNs), static_cast<long>(left_ns % kSecondNs)};
    pollfd waiting = {.fd = pipe_.get(), .events = POLLIN, .revents = 0};
    const int ready = ppoll(&waiting, 1, &left, nullptr);
    if (ready < 0 && errno != EINTR) return Status::FromErrno(errno, "ppoll");
    if (ready > 0) RAWKV_RETURN_IF_ERROR(ReadAvailable());
  }
  return Status::Ok();
}

Result<std::vector<Message>> WorkerProcess::KillAt(const KillMoment& moment) {
  if (moment.messages > 0) {
    while (!pipe_ended_ && messages_.size() < moment.messages) {
      const size_t before = messages_.size();
      RAWKV_RETURN_IF_ERROR(ReadMessages(before + 1, SystemClock().MonotonicNs() + kHangNs));
      if (!pipe_ended_ && messages_.size() == before) {
        return Status::Internal("a worker hangs after " + std::to_string(before) +
                                " messages; its threads (name, wait, system call)" +
                                DescribeThreadWaits(pid_));
      }
    }
  }
  RAWKV_RETURN_IF_ERROR(ReadMessages(SIZE_MAX, SystemClock().MonotonicNs() + moment.then_ns));
  kill(pid_, SIGKILL);
  while (!pipe_ended_) RAWKV_RETURN_IF_ERROR(ReadAvailable());
  const int wait_status = ctl::WaitForChild(pid_);
  pid_ = -1;
  if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) return ErrorOfUnexpectedEnd(wait_status);
  return std::move(messages_);
}

Status WorkerProcess::ErrorOfUnexpectedEnd(int wait_status) const {
  const std::string error_output = ReadErrorOutput(stderr_);
  if (WIFSIGNALED(wait_status)) {
    const char* name = sigabbrev_np(WTERMSIG(wait_status));
    return Status::Corruption(std::string("a worker died of SIG") + (name != nullptr ? name : "?") + ": " +
                              error_output);
  }
  return Status(CodeOf(WEXITSTATUS(wait_status)), "a worker ended with an error: " + error_output);
}

void PipeSink::Send(const Message& message) {
  static_assert(sizeof(Message) <= 512, "a message must be one atomic write to a pipe");
  ssize_t n = 0;
  do {
    n = write(fd_, &message, sizeof(message));
  } while (n < 0 && errno == EINTR);
  if (n != sizeof(message)) _exit(static_cast<int>(ctl::ExitStatus::kInternal));
}

}  // namespace rawkv::torture
