#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ctl/command.h"

namespace rawkv::ctl {

// Every command, in the order in which help lists them.
std::span<const Command> Commands();

// By full name ("snapshot create"); null if there is none.
const Command* FindCommand(std::string_view name);

// Whether `word` only begins the names of commands ("snapshot", "wal").
bool IsCommandGroup(std::string_view word);

// First words of all commands; with a group, the second words of its commands. For suggestions.
std::vector<std::string> CommandWords(std::string_view group = "");

// The command's flags, --store and --json among them, as users write them.
std::vector<std::string> FlagsOf(const Command& command);

}  // namespace rawkv::ctl
