#include "tests/tools/ctl_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "base/check.h"
#include "tools/cli/child_process.h"

extern char** environ;

namespace rawkv::ctl {
namespace {

UniqueFd MemoryFile(const std::string& content = "") {
  return MakeMemoryFile(content).value();
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

struct Streams {
  int in, out, err;
};

pid_t Spawn(const std::vector<std::string>& args, const CtlSurroundings& around, Streams streams) {
  return StartChild({.path = RAWKV_CTL_PATH,
                     .arguments = args,
                     .descriptors = {{streams.in, STDIN_FILENO},
                                     {streams.out, STDOUT_FILENO},
                                     {streams.err, STDERR_FILENO}},
                     .environment = Environment(around.environment),
                     .working_directory = around.working_directory})
      .value();
}

int WaitFor(pid_t pid) {
  const int status = WaitForChild(pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

CtlResult RunCtl(const std::vector<std::string>& args, const CtlSurroundings& around) {
  const UniqueFd in = MemoryFile(around.input);
  const UniqueFd err = MemoryFile();
  const UniqueFd out =
      around.output_path.empty()
          ? MemoryFile()
          : UniqueFd(::open(around.output_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  RAWKV_CHECK(out.valid(), "the test's output path");
  CtlResult result;
  result.status = WaitFor(Spawn(args, around, {.in = in.get(), .out = out.get(), .err = err.get()}));
  if (around.output_path.empty()) result.out = ReadMemoryFile(out);
  SplitErrorAndLog(ReadMemoryFile(err), &result);
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
    const UniqueFd child_err = MemoryFile();
    pid_ = Spawn(args, {}, {.in = child_in.get(), .out = child_out.get(), .err = child_err.get()});
    return;
  }
  input_ = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  RAWKV_CHECK(input_.valid() && ::grantpt(input_.get()) == 0 && ::unlockpt(input_.get()) == 0, "terminal");
  char name[128];
  RAWKV_CHECK(::ptsname_r(input_.get(), name, sizeof name) == 0, "terminal");
  const UniqueFd terminal(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  RAWKV_CHECK(terminal.valid(), "terminal");
  const int out = input == Input::kTerminal ? child_out.get() : terminal.get();
  pid_ = Spawn(args, {}, {.in = terminal.get(), .out = out, .err = terminal.get()});
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

std::string CtlConversation::ReadPrompt() {
  std::string shown = ReadTerminalUntil("rawkv> ");
  termios mode{};
  while (::tcgetattr(input_.get(), &mode) == 0 && (mode.c_lflag & ICANON) != 0) std::this_thread::yield();
  return shown;
}

void CtlConversation::Signal(int number) {
  ::kill(pid_, number);
}

int CtlConversation::Wait() {
  const int status = WaitFor(pid_);
  pid_ = -1;
  return status;
}

}  // namespace rawkv::ctl
