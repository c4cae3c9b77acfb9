#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tools/ctl/command.h"

namespace rawkv::ctl {

// What the first pass over the command line makes of it; values are not looked at yet (ReadFlags does).
struct CommandLine {
  const Command* command = nullptr;
  std::vector<std::string> arguments;                      // without the command's words
  std::vector<std::pair<std::string, std::string>> flags;  // name without dashes, value; in order
};

// `args` is without the program's name. Flags stand before or after the command: --flag=value,
// --flag value, --boolean, --noboolean; one dash does, dashes in names are underscores. Behind -- nothing
// is a flag. --help anywhere makes it `help COMMAND`; --version without a value and without a command makes
// it `version`. kInvalidArgument, with the command's name in front once it is known.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args);

}  // namespace rawkv::ctl
