#include "tests/tools/ctl_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "base/check.h"

extern char** environ;

namespace rawkv::ctl {
namespace {

// An anonymous file with `content`. Unlike a pipe, it takes any amount from the child without a reader.
UniqueFd MemoryFile(const std::string& content) {
  UniqueFd fd(::memfd_create("rawkv-test", MFD_CLOEXEC));
  RAWKV_CHECK(fd.valid(), "tests need memfd_create");
  RAWKV_CHECK(::pwrite(fd.get(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()),
              "tests need memory");
  return fd;
}

std::string ContentOf(const UniqueFd& fd) {
  std::string content;
  char buffer[65536];
  for (ssize_t got = 0;
       (got = ::pread(fd.get(), buffer, sizeof buffer, static_cast<off_t>(content.size()))) > 0;) {
    content.append(buffer, static_cast<size_t>(got));
  }
  return content;
}

void SplitErrorAndLog(const std::string& text, CtlResult* result) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    (line.starts_with("rawkv: ") ? result->log : result->err) += line + '\n';
  }
}

std::vector<std::string> Environment(const std::vector<std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string(*entry).starts_with("RAWKV_STORE=")) all.emplace_back(*entry);
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Streams {
  int in, out, err;
};

pid_t Spawn(const std::vector<std::string>& args, const CtlSurroundings& around, Streams streams) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, streams.in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, streams.out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, streams.err, STDERR_FILENO);
  if (!around.working_directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, around.working_directory.c_str());
  }
  std::vector<std::string> words = {RAWKV_CTL_PATH};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> environment = Environment(around.environment);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, RAWKV_CTL_PATH, &actions, nullptr, Pointers(words).data(),
                                  Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  RAWKV_CHECK(error == 0, "rawkv-ctl must be built");
  return pid;
}

int WaitFor(pid_t pid) {
  int status = 0;
  RAWKV_CHECK(::waitpid(pid, &status, 0) == pid, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

CtlResult RunCtl(const std::vector<std::string>& args, const CtlSurroundings& around) {
  const UniqueFd in = MemoryFile(around.input);
  const UniqueFd err = MemoryFile("");
  const UniqueFd out =
      around.output_path.empty()
          ? MemoryFile("")
          : UniqueFd(::open(around.output_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  RAWKV_CHECK(out.valid(), "the test's output path");
  CtlResult result;
  result.status = WaitFor(Spawn(args, around, {.in = in.get(), .out = out.get(), .err = err.get()}));
  if (around.output_path.empty()) result.out = ContentOf(out);
  SplitErrorAndLog(ContentOf(err), &result);
  return result;
}

CtlConversation::CtlConversation(const std::vector<std::string>& args, Input input) {
  int out_pipe[2];
  RAWKV_CHECK(::pipe2(out_pipe, O_CLOEXEC) == 0, "pipe");
  output_ = UniqueFd(out_pipe[0]);
  const UniqueFd child_out(out_pipe[1]);
  if (input == Input::kPipe) {
    int in_pipe[2];
    RAWKV_CHECK(::pipe2(in_pipe, O_CLOEXEC) == 0, "pipe");
    const UniqueFd child_in(in_pipe[0]);
    input_ = UniqueFd(in_pipe[1]);
    const UniqueFd child_err = MemoryFile("");
    pid_ = Spawn(args, {}, {.in = child_in.get(), .out = child_out.get(), .err = child_err.get()});
    return;
  }
  input_ = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  RAWKV_CHECK(input_.valid() && ::grantpt(input_.get()) == 0 && ::unlockpt(input_.get()) == 0, "terminal");
  char name[128];
  RAWKV_CHECK(::ptsname_r(input_.get(), name, sizeof name) == 0, "terminal");
  const UniqueFd terminal(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  RAWKV_CHECK(terminal.valid(), "terminal");
  pid_ = Spawn(args, {}, {.in = terminal.get(), .out = child_out.get(), .err = terminal.get()});
}

CtlConversation::~CtlConversation() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  Wait();
}

void CtlConversation::Write(const std::string& text) {
  RAWKV_CHECK(::write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
}

std::string CtlConversation::ReadLine() {
  std::string line;
  for (char c = 0; ::read(output_.get(), &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

std::string CtlConversation::ReadOutputToEnd() {
  std::string output;
  for (char c = 0; ::read(output_.get(), &c, 1) == 1;) output += c;
  return output;
}

std::string CtlConversation::ReadTerminalUntil(const std::string& end) {
  std::string shown;
  for (char c = 0; !shown.ends_with(end) && ::read(input_.get(), &c, 1) == 1;) shown += c;
  return shown;
}

int CtlConversation::Wait() {
  const int status = WaitFor(pid_);
  pid_ = -1;
  return status;
}

}  // namespace rawkv::ctl
