#include "tools/quickstart_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rawkv::quickstart {
namespace {

constexpr size_t kErrorTextBytesMax = 2000;

// Owns the two attribute objects of posix_spawn.
class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  void Connect(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  int Spawn(pid_t* pid, char* const* argv, char* const* env) {
    return posix_spawnp(pid, argv[0], &actions_, &attributes_, argv, env);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// As execve wants them: mutable and ended by a null.
std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

Result<UniqueFd> MemoryFile(std::string_view content) {
  UniqueFd fd(memfd_create("rawkv-quickstart", MFD_CLOEXEC));
  if (!fd.valid()) return Status::FromErrno(errno, "memfd_create");
  RAWKV_RETURN_IF_ERROR(WriteFully(fd.get(), content));
  if (lseek(fd.get(), 0, SEEK_SET) < 0) return Status::FromErrno(errno, "lseek");
  return fd;
}

Result<std::array<UniqueFd, 2>> Pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe2");
  return std::array<UniqueFd, 2>{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const char* name = sigabbrev_np(WTERMSIG(wait_status));
    return std::string("was ended by SIG") + (name != nullptr ? name : "?");
  }
  return "ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

std::string LastWords(int fd) {
  std::string text(kErrorTextBytesMax, '\0');
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Command& command) {
  auto child = std::unique_ptr<ChildProcess>(new ChildProcess());
  child->name_ = command.argv.front();
  RAWKV_ASSIGN_OR_RETURN(auto output, Pipe());
  RAWKV_ASSIGN_OR_RETURN(child->stderr_, MemoryFile(""));
  UniqueFd input;
  if (command.pipe_input) {
    RAWKV_ASSIGN_OR_RETURN(auto pipe, Pipe());
    input = std::move(pipe[0]);
    child->stdin_ = std::move(pipe[1]);
  } else {
    RAWKV_ASSIGN_OR_RETURN(input, MemoryFile(command.input));
  }
  std::vector<std::string> argv = command.argv, env = command.env;
  SpawnSetup setup;
  setup.Connect(input.get(), STDIN_FILENO);
  setup.Connect(output[1].get(), STDOUT_FILENO);
  setup.Connect(child->stderr_.get(), STDERR_FILENO);
  const int error = setup.Spawn(&child->pid_, Pointers(argv).data(), Pointers(env).data());
  if (error != 0) {
    child->pid_ = -1;
    return Status::FromErrno(error, "cannot start " + child->name_);
  }
  child->stdout_ = std::move(output[0]);
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Status ignored = Wait();  // it was killed: of course it failed
  (void)ignored;
}

Status ChildProcess::Write(std::string_view bytes) {
  if (!WriteFully(stdin_.get(), bytes).ok()) return Broken("stopped reading");
  return Status::Ok();
}

Status ChildProcess::Fill() {
  constexpr size_t kStepBytes = 64 * 1024;
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  const size_t have = buffer_.size();
  buffer_.resize(have + kStepBytes);
  ssize_t n = 0;
  do {
    n = read(stdout_.get(), buffer_.data() + have, kStepBytes);
  } while (n < 0 && errno == EINTR);
  buffer_.resize(have + (n > 0 ? static_cast<size_t>(n) : 0));
  if (n < 0) return Status::FromErrno(errno, "reading from " + name_);
  return n > 0 ? Status::Ok() : Status::NotFound("end of output");
}

Result<std::string> ChildProcess::ReadToEnd() {
  std::string out;
  for (;;) {
    out.append(buffer_, consumed_);
    consumed_ = buffer_.size();
    if (Status s = Fill(); s.code() == StatusCode::kNotFound) {
      return out;
    } else if (!s.ok()) {
      return s;
    }
  }
}

Result<std::string> ChildProcess::ReadUntil(char delimiter) {
  for (size_t searched = consumed_;;) {
    const size_t at = buffer_.find(delimiter, searched);
    if (at != std::string::npos) {
      std::string out = buffer_.substr(consumed_, at - consumed_);
      consumed_ = at + 1;
      return out;
    }
    searched = buffer_.size() - consumed_;  // Fill moves the unread part to the front
    if (Status s = Fill(); !s.ok()) return Broken("stopped in the middle of an answer");
  }
}

Status ChildProcess::ReadExactly(Bytes out) {
  const size_t buffered = std::min(out.size(), buffer_.size() - consumed_);
  if (buffered > 0) memcpy(out.data(), buffer_.data() + consumed_, buffered);
  consumed_ += buffered;
  for (size_t done = buffered; done < out.size();) {
    const ssize_t n = read(stdout_.get(), out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Broken("stopped in the middle of an answer");
    done += static_cast<size_t>(n);
  }
  return Status::Ok();
}

Status ChildProcess::Broken(std::string_view what) {
  Status end = Wait();
  if (!end.ok()) return end;
  return Status::IoError(name_ + " " + std::string(what));
}

Status ChildProcess::Wait() {
  stdin_.Reset();
  stdout_.Reset();
  if (pid_ < 0) return Status::Ok();
  int wait_status = 0;
  pid_t got = 0;
  do {
    got = waitpid(pid_, &wait_status, 0);
  } while (got < 0 && errno == EINTR);
  pid_ = -1;
  if (got < 0) return Status::FromErrno(errno, "waiting for " + name_);
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return Status::Ok();
  const std::string words = LastWords(stderr_.get());
  return Status::IoError(name_ + " " + DescribeEnd(wait_status) + (words.empty() ? "" : ": " + words));
}

Result<std::string> Capture(const Command& command) {
  RAWKV_ASSIGN_OR_RETURN(auto child, ChildProcess::Start(command));
  RAWKV_ASSIGN_OR_RETURN(std::string out, child->ReadToEnd());
  RAWKV_RETURN_IF_ERROR(child->Wait());
  return out;
}

Status WriteFully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Status::FromErrno(errno, "write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return Status::Ok();
}

}  // namespace rawkv::quickstart
