#include "tools/ctl/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

#include "tools/ctl/command_line.h"
#include "tools/ctl/hints.h"

namespace rawkv::ctl {

ExitStatus PrintError(const Status& status, std::string_view command) {
  const std::string line =
      fmt::format("rawkv-ctl: {}{}{}\n", command, command.empty() ? "" : ": ", ErrorText(status));
  // An error of this write cannot be reported. The exit status still shows the failure.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return ExitStatusOf(status);
}

namespace {

Result<ExitStatus> Execute(const Command& command, Invocation& call) {
  Result<ExitStatus> answer = command.run(call);
  call.progress.Wipe();
  const Status flushed = call.out.Flush();
  if (answer.ok() && !flushed.ok()) return flushed;
  return answer;
}

}  // namespace

ExitStatus RunCommand(const std::vector<std::string>& args, Output& out, ProgressLine& progress,
                      Session* session) {
  Result<CommandLine> line = ParseCommandLine(args);
  if (!line.ok()) return PrintError(line.status(), "");
  const Command& command = *line->command;
  Result<Flags> flags = ReadFlags(line->flags);
  if (!flags.ok()) return PrintError(flags.status(), command.name);
  Invocation call{std::move(line->arguments), std::move(flags).value(), out, progress, session};
  const Result<ExitStatus> answer = Execute(command, call);
  if (answer.ok()) return *answer;
  if (out.reader_left()) return ExitStatusOf(answer.status());  // the caller decides how to end
  const Status& status = answer.status();
  return PrintError(Status(status.code(), CompleteHints(status.message(), call.flags)), command.name);
}

}  // namespace rawkv::ctl
