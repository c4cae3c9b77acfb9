#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/progress.h"
#include "tools/ctl/flags.h"
#include "tools/ctl/output.h"

namespace rawkv::ctl {

// What a command gets to work with.
struct Invocation {
  std::vector<std::string> arguments;  // positional ones, without the command's own words
  Flags flags;
  Output& out;
  ProgressLine& progress;
};

// kDone or kNo are answers, printed already; an error is printed by the caller, and ends the program with
// ExitStatusOf. A command writes data to `out` only.
using CommandFunction = Result<ExitStatus> (*)(Invocation& call);

// One command, for the parser and for help alike.
struct Command {
  std::string_view name;       // "get", "snapshot create"
  std::string_view arguments;  // as help shows them: "KEY VALUE"
  size_t arguments_min = 0;    // with --key_b64 in place of KEY, one fewer will do
  size_t arguments_max = 0;
  std::vector<std::string_view> flags;  // besides --store and --json
  std::string_view summary;             // one line
  std::string_view details;             // paragraphs, wrapped by hand
  std::string_view example;
  CommandFunction run = nullptr;
};

}  // namespace rawkv::ctl
