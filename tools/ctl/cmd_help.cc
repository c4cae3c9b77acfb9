#include <fmt/format.h>

#include <algorithm>

#include "tools/ctl/command_table.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/near_name.h"

namespace rawkv::ctl {
namespace {

constexpr std::string_view kOverviewTail = R"(
Flags stand before or after the command, as --flag=value or --flag value; behind -- nothing is a flag.
  --store=DIR  the store, everywhere; else the environment variable RAWKV_STORE
  --json       JSON, one document or one row a line, everywhere
  --help       with a command: its help

Ends with 0 done; 1 the answer is no (no such key, damage found by a check); 2 usage; 3 refused (not
reachable, locked, absent, not supported, not confirmed); 4 corruption; 5 I/O error or no space;
70 a bug in rawkv.
)";

std::string Overview() {
  std::string text = "rawkv-ctl COMMAND [ARGUMENTS] [--flag=value …]: a versioned key-value store's tool\n\n";
  for (const Command& command : Commands()) {
    text += fmt::format("  {:<16}  {}\n", command.name, command.summary);
  }
  text += kOverviewTail;
  text += "\nFor example:\n  rawkv-ctl help rollback\n  rawkv-ctl get config/mode --store=/var/lib/state\n";
  return text;
}

std::string GroupHelp(std::string_view group) {
  std::string text = fmt::format("rawkv-ctl {} …\n\n", group);
  for (const std::string& word : CommandWords(group)) {
    const std::string name = fmt::format("{} {}", group, word);
    text += fmt::format("  {:<16}  {}\n", name, FindCommand(name)->summary);
  }
  text += fmt::format("\nFor example:\n  {}\n", FindCommand(fmt::format("{} list", group))->example);
  return text;
}

std::string CommandHelp(const Command& command) {
  std::string text = fmt::format("rawkv-ctl {}{}{} [--flag=value …]\n\n{}\n", command.name,
                                 command.arguments.empty() ? "" : " ", command.arguments, command.summary);
  if (!command.details.empty()) text += fmt::format("\n{}\n", command.details);
  text += "\nFlags:\n";
  for (const std::string& name : FlagsOf(command)) {
    const auto flag = DescribeFlag(name);
    const std::string spelled = flag->argument.empty() ? flag->name : flag->name + "=" + flag->argument;
    text += fmt::format("  --{:<24}  {}\n", spelled, flag->help);
  }
  text += fmt::format("\nFor example:\n  {}\n", command.example);
  return text;
}

}  // namespace

Result<ExitStatus> RunHelp(Invocation& call) {
  const std::string topic = fmt::format("{}", fmt::join(call.arguments, " "));
  std::string text;
  if (topic.empty()) {
    text = Overview();
  } else if (const Command* const command = FindCommand(topic); command != nullptr) {
    text = CommandHelp(*command);
  } else if (IsCommandGroup(topic)) {
    text = GroupHelp(topic);
  } else {
    return Status::InvalidArgument(
        fmt::format("no command '{}'{}", topic, DidYouMean(call.arguments.front(), CommandWords())));
  }
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
