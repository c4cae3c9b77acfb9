#include "tools/ctl/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tools/ctl/command_table.h"
#include "tools/ctl/near_name.h"

namespace rawkv::ctl {
namespace {

// The arguments, split into words and flags before the command is known.
struct Scan {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> flags;
  bool help = false;
  bool bare_version = false;  // --version without a value
  Status error;               // the first error; ignored if --help is given

  void Fail(std::string message) {
    if (error.ok()) error = Status::InvalidArgument(std::move(message));
  }
};

std::vector<std::string> AllFlagNames() {
  std::vector<std::string> names = {"help"};
  for (const Command& command : Commands()) {
    for (std::string& name : FlagsOf(command)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool LooksLikeFlag(const std::string& arg) {
  return arg.size() > 1 && arg.front() == '-';
}

// "--slot-bytes=4096" as name and value.
struct FlagText {
  std::string name;
  std::optional<std::string> value;
};

FlagText SplitFlag(const std::string& arg) {
  FlagText flag;
  const size_t begin = arg.starts_with("--") ? 2 : 1;
  const size_t equals = arg.find('=');
  flag.name = arg.substr(begin, equals == std::string::npos ? equals : equals - begin);
  std::replace(flag.name.begin(), flag.name.end(), '-', '_');
  if (equals != std::string::npos) flag.value = arg.substr(equals + 1);
  return flag;
}

bool IsBoolean(std::string_view name) {
  const auto description = DescribeFlag(name);
  return description.has_value() && description->kind == FlagKind::kBoolean;
}

// Reads the flag at args[at] into `scan`; returns the number of arguments that it used.
size_t TakeFlag(const std::vector<std::string>& args, size_t at, Scan& scan) {
  auto [name, value] = SplitFlag(args[at]);
  if ((name == "help" || name == "h") && !value.has_value()) {
    scan.help = true;
    return 1;
  }
  if (!DescribeFlag(name).has_value()) {
    if (name.starts_with("no") && IsBoolean(name.substr(2)) && !value.has_value()) {
      scan.flags.emplace_back(name.substr(2), "false");
      return 1;
    }
    const std::string hint = args[at].starts_with("--")
                                 ? SuggestName(name, AllFlagNames())
                                 : "; write -- before arguments that start with a dash";
    scan.Fail(fmt::format("unknown flag {}{}", args[at].substr(0, args[at].find('=')), hint));
    return 1;
  }
  if (value.has_value()) {
    scan.flags.emplace_back(name, *value);
    return 1;
  }
  if (IsBoolean(name)) {
    scan.flags.emplace_back(name, "true");
    return 1;
  }
  // If the next argument starts with two dashes, the user most likely forgot the value.
  if (at + 1 < args.size() && !args[at + 1].starts_with("--")) {
    scan.flags.emplace_back(name, args[at + 1]);
    return 2;
  }
  if (name == "version") {
    scan.bare_version = true;
  } else {
    scan.Fail(fmt::format("--{0} needs a value (--{0}=…)", name));
  }
  return 1;
}

Scan ScanArguments(const std::vector<std::string>& args) {
  Scan scan;
  for (size_t at = 0; at < args.size();) {
    if (args[at] == "--") {
      scan.words.insert(scan.words.end(), args.begin() + static_cast<std::ptrdiff_t>(at) + 1, args.end());
      break;
    }
    if (LooksLikeFlag(args[at])) {
      at += TakeFlag(args, at, scan);
    } else {
      scan.words.push_back(args[at++]);
    }
  }
  return scan;
}

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

Status CheckFlags(const Command& command, const Scan& scan) {
  const std::vector<std::string> allowed = FlagsOf(command);
  for (const auto& flag : scan.flags) {
    if (std::find(allowed.begin(), allowed.end(), flag.first) == allowed.end()) {
      return Status::InvalidArgument(fmt::format(
          "--{0} is not a flag of this command; see `rawkv-ctl help {1}`", flag.first, command.name));
    }
  }
  if (scan.bare_version) return Status::InvalidArgument("--version needs a value (--version=N)");
  return Status::Ok();
}

Status CheckArity(const Command& command, const CommandLine& line) {
  const bool key_by_flag = std::any_of(line.flags.begin(), line.flags.end(),
                                       [](const auto& flag) { return flag.first == "key_b64"; });
  const size_t fewer = key_by_flag && command.arguments_min > 0 ? 1 : 0;
  const size_t count = line.arguments.size();
  if (count < command.arguments_min - fewer) {
    return Status::InvalidArgument(fmt::format("{} is missing; usage: rawkv-ctl {} {}", command.arguments,
                                               command.name, command.arguments));
  }
  if (count > command.arguments_max - fewer) {
    return Status::InvalidArgument(fmt::format("one argument too many: '{}'{}", line.arguments.back(),
                                               key_by_flag ? " (--key_b64 replaces KEY)" : ""));
  }
  return Status::Ok();
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args) {
  Scan scan = ScanArguments(args);
  if (scan.help) return MakeHelpCommand(std::move(scan.words));
  CommandLine line;
  if (scan.words.empty() && scan.bare_version) {
    line.command = FindCommand("version");
    scan.bare_version = false;
  } else {
    if (scan.words.empty()) RAWKV_RETURN_IF_ERROR(scan.error);
    RAWKV_ASSIGN_OR_RETURN(line.command, TakeCommand(scan.words));
  }
  line.arguments = std::move(scan.words);
  line.flags = scan.flags;
  Status status = scan.error;
  if (status.ok()) status = CheckFlags(*line.command, scan);
  if (status.ok()) status = CheckArity(*line.command, line);
  if (!status.ok()) return status.WithContext(line.command->name);
  return line;
}

}  // namespace rawkv::ctl
