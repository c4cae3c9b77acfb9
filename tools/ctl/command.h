#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/progress.h"
#include "tools/ctl/flags.h"
#include "tools/ctl/output.h"

namespace rawkv::ctl {

class Session;

// The input and output of one command.
struct Invocation {
  std::vector<std::string> arguments;  // positional arguments, without the words of the command's name
  Flags flags;
  Output& out;
  ProgressLine& progress;
  Session* session = nullptr;  // the open store of a shell; null: the command opens its own

  // Shows the progress of a command that prints rows meanwhile. On a terminal the rows show it.
  void ReportRows(const Progress& done) {
    if (!out.terminal()) progress.Report(done);
  }
};

// Runs one command. For kDone and kNo the command has printed its answer. The caller prints an error, and
// ends the program with ExitStatusOf. A command writes data to `out` only.
using CommandFunction = Result<ExitStatus> (*)(Invocation& call);

// As many arguments as the operating system passes.
inline constexpr size_t kManyArguments = std::numeric_limits<size_t>::max();

// The description of one command, for the parser and for help.
struct Command {
  std::string_view name;                // "get", "snapshot create"
  std::string_view arguments;           // as help prints them: "KEY VALUE"
  size_t arguments_min = 0;             // one fewer if --key_b64 replaces KEY
  size_t arguments_max = 0;             // kManyArguments: of which --key_b64 replaces all
  std::vector<std::string_view> flags;  // without --store and --json, which every command takes
  std::string_view summary;             // one line
  std::string details;                  // paragraphs, wrapped by hand
  std::string_view example;
  CommandFunction run = nullptr;
};

}  // namespace rawkv::ctl
