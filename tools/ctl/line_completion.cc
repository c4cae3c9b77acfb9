#include "tools/ctl/line_completion.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

using Words = std::vector<std::string>;

// The command that the words begin with; null if it is not complete.
const Command* CommandOf(const Words& words) {
  if (words.empty()) return nullptr;
  if (words.size() > 1 && IsCommandGroup(words[0])) return FindCommand(words[0] + " " + words[1]);
  return FindCommand(words[0]);
}

Words FlagsAsTyped(const Command& command) {
  Words flags = {"--help"};
  for (const std::string& name : FlagsOf(command)) {
    const FlagDescription flag = *kFlagSet.Describe(name);
    flags.push_back("--" + name + (flag.boolean() || flag.value_optional() ? "" : "="));
  }
  return flags;
}

// "--engine=" with each of its values.
Words FlagWithValues(const std::string& current) {
  const size_t equals = current.find('=');
  if (!current.starts_with("--") || equals == std::string::npos) return {};
  const std::optional<FlagDescription> flag = kFlagSet.Describe(current.substr(2, equals - 2));
  if (!flag.has_value()) return {};
  Words words = ChoicesOf(flag->argument);
  for (std::string& word : words) word.insert(0, current, 0, equals + 1);
  return words;
}

}  // namespace

std::vector<std::string> CompleteWords(const LineAtCursor& line) {
  Words candidates;
  const Command* const command = CommandOf(line.before);
  const bool help = !line.before.empty() && line.before[0] == "help";
  const Words topic = help ? Words(line.before.begin() + 1, line.before.end()) : line.before;
  if (line.current.starts_with("-")) {
    candidates = FlagWithValues(line.current);
    if (candidates.empty() && command != nullptr) candidates = FlagsAsTyped(*command);
  } else if (topic.empty()) {
    candidates = CommandWords();
  } else if (topic.size() == 1 && IsCommandGroup(topic[0])) {
    candidates = CommandWords(topic[0]);
  } else if (command != nullptr) {
    candidates = ChoicesOf(command->arguments);
  }
  std::erase_if(candidates, [&](const std::string& word) { return !word.starts_with(line.current); });
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

bool TakesKey(const LineAtCursor& line) {
  const Command* const command = CommandOf(line.before);
  if (command == nullptr || line.current.starts_with("-")) return false;
  const std::string_view arguments = command->arguments;
  const bool several = arguments.find("…") != std::string_view::npos;
  return arguments.find("KEY") != std::string_view::npos && (several || line.before.size() == 1);
}

}  // namespace rawkv::ctl
