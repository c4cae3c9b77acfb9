// rawkv-ctl: operates a store from the command line. docs/cli.md is what it promises.

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "base/exception_status.h"
#include "tools/cli/exit_status.h"
#include "tools/ctl/command_line.h"

namespace rawkv::ctl {
namespace {

ExitStatus Complain(const Status& status, std::string_view command) {
  const std::string line =
      fmt::format("rawkv-ctl: {}{}{}\n", command, command.empty() ? "" : ": ", ErrorText(status));
  // Nobody is left to tell when this fails; the exit status still says it.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return ExitStatusOf(status);
}

// The command's answer; what it printed is with the system, or that is the error.
Result<ExitStatus> Execute(const Command& command, Invocation& call) {
  Result<ExitStatus> answer = command.run(call);
  call.progress.Wipe();
  const Status flushed = call.out.Flush();
  if (answer.ok() && !flushed.ok()) return flushed;
  return answer;
}

ExitStatus Main(const std::vector<std::string>& args) {
  OccupyStandardStreams();
  // A reader that goes away is an error of Output's, told by the exit status.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a file that would exceed the process's limit of file size: the write fails with EFBIG instead.
  std::signal(SIGXFSZ, SIG_IGN);
  Result<CommandLine> line = ParseCommandLine(args);
  if (!line.ok()) return Complain(line.status(), "");
  const Command& command = *line->command;
  Result<Flags> flags = ReadFlags(line->flags);
  if (!flags.ok()) return Complain(flags.status(), command.name);
  Output out(STDOUT_FILENO);
  ProgressLine progress(STDERR_FILENO);
  Invocation call{std::move(line->arguments), std::move(flags).value(), out, progress};
  const Result<ExitStatus> answer = Execute(command, call);
  return answer.ok() ? *answer : Complain(answer.status(), command.name);
}

}  // namespace
}  // namespace rawkv::ctl

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return static_cast<int>(rawkv::ctl::Main(args));
  } catch (...) {  // no memory, most likely: rawkv's own functions throw nothing
    const rawkv::Status status = rawkv::StatusOfException();
    // Without a buffer of its own, since there may be no memory for one.
    for (const std::string_view part :
         {std::string_view("rawkv-ctl: "), std::string_view(status.message()), std::string_view("\n")}) {
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, part.data(), part.size());
    }
    return static_cast<int>(rawkv::ctl::ExitStatusOf(status));
  }
}
