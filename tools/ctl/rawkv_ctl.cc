// rawkv-ctl operates a store from the command line. docs/cli.md is its contract.

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "base/exception_status.h"
#include "tools/cli/exit_status.h"
#include "tools/ctl/command_line.h"
#include "tools/ctl/hints.h"

namespace rawkv::ctl {
namespace {

ExitStatus PrintError(const Status& status, std::string_view command) {
  const std::string line =
      fmt::format("rawkv-ctl: {}{}{}\n", command, command.empty() ? "" : ": ", ErrorText(status));
  // An error of this write cannot be reported. The exit status still shows the failure.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return ExitStatusOf(status);
}

Status WithHints(const Status& status, const Flags& flags) {
  return Status(status.code(), CompleteHints(status.message(), flags));
}

// Runs the command and flushes its output. A failed flush is an error of the command.
Result<ExitStatus> Execute(const Command& command, Invocation& call) {
  Result<ExitStatus> answer = command.run(call);
  call.progress.Wipe();
  const Status flushed = call.out.Flush();
  if (answer.ok() && !flushed.ok()) return flushed;
  return answer;
}

// Ends the program by SIGPIPE, as a filter in a pipeline ends: no message, and the status that shells expect.
// The command has closed its store by now.
void EndBySigpipe() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}

ExitStatus Main(const std::vector<std::string>& args) {
  OccupyStandardStreams();
  // The signal would end the program while the store is open. A reader that closes the pipe becomes an error
  // of Output instead.
  const auto inherited = std::signal(SIGPIPE, SIG_IGN);
  // A write that exceeds the process's limit of file size fails with EFBIG instead of a signal.
  std::signal(SIGXFSZ, SIG_IGN);
  Result<CommandLine> line = ParseCommandLine(args);
  if (!line.ok()) return PrintError(line.status(), "");
  const Command& command = *line->command;
  Result<Flags> flags = ReadFlags(line->flags);
  if (!flags.ok()) return PrintError(flags.status(), command.name);
  Output out(STDOUT_FILENO);
  ProgressLine progress(STDERR_FILENO);
  Invocation call{std::move(line->arguments), std::move(flags).value(), out, progress};
  Result<ExitStatus> answer = Execute(command, call);
  if (!answer.ok()) answer = WithHints(answer.status(), call.flags);
  // A caller that has the signal ignored gets the error and its exit status.
  if (out.reader_left() && inherited != SIG_IGN) EndBySigpipe();
  return answer.ok() ? *answer : PrintError(answer.status(), command.name);
}

}  // namespace
}  // namespace rawkv::ctl

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return static_cast<int>(rawkv::ctl::Main(args));
  } catch (...) {  // most likely out of memory: functions of rawkv throw nothing
    const rawkv::Status status = rawkv::StatusOfException();
    // Written in parts, since there may be no memory for one buffer.
    for (const std::string_view part :
         {std::string_view("rawkv-ctl: "), std::string_view(status.message()), std::string_view("\n")}) {
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, part.data(), part.size());
    }
    return static_cast<int>(rawkv::ctl::ExitStatusOf(status));
  }
}
