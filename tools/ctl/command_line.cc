#include "tools/ctl/command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/near_name.h"
#include "tools/ctl/command_table.h"
#include "tools/ctl/flags.h"

namespace rawkv::ctl {
namespace {

// The command that the words begin with. Removes its words from `words`.
Result<const Command*> TakeCommand(std::vector<std::string>& words) {
  if (words.empty()) return Status::InvalidArgument("no command; `rawkv-ctl help` lists them");
  const std::string first = words.front();
  if (const Command* const command = FindCommand(first); command != nullptr) {
    words.erase(words.begin());
    return command;
  }
  if (!IsCommandGroup(first)) {
    return Status::InvalidArgument(
        fmt::format("unknown command '{}'{}", first, SuggestName(first, CommandWords())));
  }
  const std::vector<std::string> seconds = CommandWords(first);
  if (words.size() < 2) {
    return Status::InvalidArgument(
        fmt::format("{} needs a second word: {}", first, fmt::join(seconds, ", ")));
  }
  const std::string name = first + " " + words[1];
  const Command* const command = FindCommand(name);
  if (command == nullptr) {
    return Status::InvalidArgument(
        fmt::format("unknown command '{}'{}", name, SuggestName(words[1], seconds)));
  }
  words.erase(words.begin(), words.begin() + 2);
  return command;
}

// The command line of `help` for the words. A group has at most two words; the rest is dropped, so that
// `put k v --help` is the help of put.
CommandLine MakeHelpCommand(std::vector<std::string> words) {
  const size_t topic_words = words.size() > 1 && IsCommandGroup(words.front()) ? 2 : 1;
  words.resize(std::min(words.size(), topic_words));
  return {.command = FindCommand("help"), .arguments = std::move(words), .flags = {}};
}

Status CheckFlags(const Command& command, const Arguments& given) {
  const std::vector<std::string> allowed = FlagsOf(command);
  for (const auto& flag : given.flags) {
    if (std::find(allowed.begin(), allowed.end(), flag.first) == allowed.end()) {
      return Status::InvalidArgument(fmt::format(
          "--{0} is not a flag of this command; see `rawkv-ctl help {1}`", flag.first, command.name));
    }
  }
  if (given.bare) return Status::InvalidArgument("--version needs a value (--version=N)");
  return Status::Ok();
}

Status CheckArity(const Command& command, const CommandLine& line) {
  const bool key_by_flag = std::any_of(line.flags.begin(), line.flags.end(),
                                       [](const auto& flag) { return flag.first == "key_b64"; });
  const size_t fewer = key_by_flag && command.arguments_min > 0 ? 1 : 0;
  const size_t count = line.arguments.size();
  const size_t most =
      command.arguments_max == kManyArguments && key_by_flag ? 0 : command.arguments_max - fewer;
  if (count < command.arguments_min - fewer) {
    return Status::InvalidArgument(fmt::format("{} is missing; usage: rawkv-ctl {} {}",
                                               command.arguments.substr(0, command.arguments.find(' ')),
                                               command.name, command.arguments));
  }
  if (count > most) {
    return Status::InvalidArgument(fmt::format("one argument too many: '{}'{}", line.arguments.back(),
                                               key_by_flag ? " (--key_b64 replaces KEY)" : ""));
  }
  return Status::Ok();
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args) {
  Arguments given = kFlagSet.Split(args);
  if (given.help) return MakeHelpCommand(std::move(given.words));
  CommandLine line;
  if (given.words.empty() && given.bare) {
    line.command = FindCommand("version");
    given.bare = false;
  } else {
    if (given.words.empty()) RAWKV_RETURN_IF_ERROR(given.error);
    RAWKV_ASSIGN_OR_RETURN(line.command, TakeCommand(given.words));
  }
  line.arguments = std::move(given.words);
  line.flags = given.flags;
  Status status = given.error;
  if (status.ok()) status = CheckFlags(*line.command, given);
  if (status.ok()) status = CheckArity(*line.command, line);
  if (!status.ok()) return status.WithContext(line.command->name);
  return line;
}

}  // namespace rawkv::ctl
