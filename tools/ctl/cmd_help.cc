#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/near_name.h"
#include "tools/ctl/command_table.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/man_page.h"

namespace rawkv::ctl {
namespace {

constexpr std::string_view kOverviewTail = R"(
Flags stand before or after the command, as --flag=value or --flag value. Words after -- are not flags.
  --store=DIR  the store; default: the environment variable RAWKV_STORE
  --json       print JSON, one document or one row per line
  --help       print the help of a command

Exit status:
)";

std::string Overview() {
  std::string text =
      "rawkv-ctl COMMAND [ARGUMENTS] [--flag=value …]: operate a versioned key-value store\n\n";
  for (const Command& command : Commands()) {
    text += fmt::format("  {:<16}  {}\n", command.name, command.summary);
  }
  text += kOverviewTail;
  for (const ExitStatusHelp& row : kExitStatuses) {
    text += fmt::format("  {:<2}  {}\n", static_cast<int>(row.status), row.meaning);
  }
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
  for (const std::string& name : FlagsOf(command)) text += kFlagSet.Describe(name)->HelpLine();
  text += fmt::format("\nFor example:\n  {}\n", command.example);
  return text;
}

}  // namespace

Result<ExitStatus> RunHelp(Invocation& call) {
  const std::string topic = fmt::format("{}", fmt::join(call.arguments, " "));
  std::string text;
  if (call.flags.man) {
    if (!topic.empty()) return Status::InvalidArgument("--man prints one page for all commands");
    text = ManPage();
  } else if (topic.empty()) {
    text = Overview();
  } else if (const Command* const command = FindCommand(topic); command != nullptr) {
    text = CommandHelp(*command);
  } else if (IsCommandGroup(topic)) {
    text = GroupHelp(topic);
  } else {
    return Status::InvalidArgument(
        fmt::format("no command '{}'{}", topic, SuggestName(call.arguments.front(), CommandWords())));
  }
  RAWKV_RETURN_IF_ERROR(call.out.Write(text));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
