#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tools/ctl/command.h"

namespace rawkv::ctl {

// The result of the first pass over the command line. ReadFlags checks the values of the flags later.
struct CommandLine {
  const Command* command = nullptr;
  std::vector<std::string> arguments;                      // without the words of the command's name
  std::vector<std::pair<std::string, std::string>> flags;  // name without dashes, value; in order
};

// `args` does not include the program's name. Flags stand before or after the command, as FlagSet::Split
// accepts them. --help anywhere gives the command `help COMMAND`; --version without a value and without a
// command gives the command `version`. kInvalidArgument; the message starts with the command's name once the
// command is known.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args);

}  // namespace rawkv::ctl
