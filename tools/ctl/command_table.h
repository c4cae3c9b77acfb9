#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ctl/command.h"

namespace rawkv::ctl {

// A row of the table of exit statuses.
struct ExitStatusHelp {
  ExitStatus status;
  std::string_view meaning;
};
inline constexpr ExitStatusHelp kExitStatuses[] = {
    {ExitStatus::kDone, "done"},
    {ExitStatus::kNo, "the answer is no (no such key, or a check found damage)"},
    {ExitStatus::kUsage, "usage error"},
    {ExitStatus::kRefused,
     "refused (version not reachable, store locked or absent, not supported, not confirmed)"},
    {ExitStatus::kCorruption, "corruption"},
    {ExitStatus::kIoError, "I/O error or no space"},
    {ExitStatus::kInternal, "a bug in rawkv"}};

// Every command, in the order in which help lists them.
std::span<const Command> Commands();

// Finds a command by its full name ("snapshot create"); null if there is none.
const Command* FindCommand(std::string_view name);

// Whether `word` is the first word of commands with two words ("snapshot", "wal").
bool IsCommandGroup(std::string_view word);

// The first words of all commands; with a group, the second words of its commands. Used for suggestions.
std::vector<std::string> CommandWords(std::string_view group = "");

// The command's flags as users write them, including --store and --json.
std::vector<std::string> FlagsOf(const Command& command);

}  // namespace rawkv::ctl
