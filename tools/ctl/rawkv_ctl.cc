// rawkv-ctl operates a store from the command line. docs/cli.md is its contract.

#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "base/exception_status.h"
#include "tools/cli/exit_status.h"
#include "tools/ctl/run_command.h"

namespace rawkv::ctl {
namespace {

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
  Output out(STDOUT_FILENO);
  ProgressLine progress(STDERR_FILENO);
  const ExitStatus status = RunCommand(args, out, progress);
  if (out.reader_left()) {
    if (inherited != SIG_IGN) EndBySigpipe();
    // A caller that has the signal ignored gets the error and its exit status.
    return PrintError(out.status(), "");
  }
  return status;
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
