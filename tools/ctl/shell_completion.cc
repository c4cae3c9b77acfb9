#include "tools/ctl/shell_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

using Words = std::vector<std::string>;

// How a shell completes the value of a flag or of an argument.
enum class ValueKind { kText, kFile, kDirectory, kChoice, kCommand };

// `argument` is spelled as help prints it: "DIR", "FILE|-", "bash|zsh|fish".
ValueKind KindOf(std::string_view argument) {
  if (argument == "DIR") return ValueKind::kDirectory;
  if (argument == "PATH" || argument == "FILE|-") return ValueKind::kFile;
  if (argument == "[COMMAND]") return ValueKind::kCommand;
  return ChoicesOf(argument).empty() ? ValueKind::kText : ValueKind::kChoice;
}

std::string ChoiceList(std::string_view argument) {
  return fmt::format("{}", fmt::join(ChoicesOf(argument), " "));
}

Words Groups() {
  Words groups = CommandWords();
  std::erase_if(groups, [](const std::string& word) { return !IsCommandGroup(word); });
  return groups;
}

// Every flag of every command.
std::vector<FlagDescription> AllFlags() {
  std::set<std::string> names;
  for (const Command& command : Commands()) {
    for (std::string& name : FlagsOf(command)) names.insert(std::move(name));
  }
  std::vector<FlagDescription> flags;
  for (const std::string& name : names) flags.push_back(*kFlagSet.Describe(name));
  return flags;
}

// "--a<between>--b" for the flags that satisfy `take`.
template <typename Take>
std::string FlagList(std::string_view between, Take take) {
  Words names;
  for (const FlagDescription& flag : AllFlags()) {
    if (take(flag)) names.push_back("--" + flag.name);
  }
  return fmt::format("{}", fmt::join(names, between));
}

// The flags after which the next word is not their value.
std::string FlagsWithoutValue(std::string_view between) {
  const std::string flags =
      FlagList(between, [](const FlagDescription& flag) { return flag.boolean() || flag.value_optional(); });
  return fmt::format("{}{}--help{}-h", flags, between, between);
}

std::string FlagsOfKind(ValueKind kind, std::string_view between) {
  return FlagList(between, [kind](const FlagDescription& flag) { return KindOf(flag.argument) == kind; });
}

// Replaces each @NAME@ of the template.
std::string Fill(std::string text, const std::vector<std::pair<std::string_view, std::string>>& values) {
  for (const auto& [name, value] : values) {
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size()) {
      text.replace(at, name.size(), value);
    }
  }
  return text;
}

// Writes `text` within single quotes of a shell, with a backslash before each of `special`.
std::string Quoted(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

constexpr std::string_view kBash = R"(# bash completion for rawkv-ctl, made by `rawkv-ctl completion bash`.

# The command among the words before the cursor, without flags and their values: "get", "snapshot pin".
_rawkv_ctl_command() {
  local -a words=()
  local i word
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    case $word in
      --) break ;;
      # readline splits at "=": --store = DIR
      =) ((++i)) ;;
      @NO_VALUE@) ;;
      -*) [[ ${COMP_WORDS[i + 1]} == = || $word == *=* ]] || ((++i)) ;;
      *) words+=("$word") ;;
    esac
  done
  case ${words[0]} in
    @GROUPS@ | help) echo "${words[*]:0:2}" ;;
    *) echo "${words[0]}" ;;
  esac
}

_rawkv_ctl_flags() {
  case $1 in
@FLAGS@
  esac
}

_rawkv_ctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
  COMPREPLY=()
  case $previous in
    @DIRECTORIES@) mapfile -t COMPREPLY < <(compgen -d -- "$current") && return ;;
    @FILES@) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
@CHOICES@
  esac
  local command
  command=$(_rawkv_ctl_command)
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_rawkv_ctl_flags "$command") --help" -- "$current")
    return
  fi
  case $command in
    '' | help) mapfile -t COMPREPLY < <(compgen -W '@COMMANDS@' -- "$current") ;;
@ARGUMENTS@
  esac
}

complete -F _rawkv_ctl rawkv-ctl
)";

std::string BashWords(std::string_view words) {
  return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\") ;;", words);
}

constexpr std::string_view kZsh = R"(#compdef rawkv-ctl
# zsh completion for rawkv-ctl, made by `rawkv-ctl completion zsh`.

_rawkv_ctl_commands() {
  local -a commands=(
@COMMANDS@
  )
  _describe -t commands command commands
}

@GROUPS@
# Sets `command` to the command among the words before the cursor, without flags and their values.
_rawkv_ctl_find_command() {
  local -a found
  local -i i
  for ((i = 2; i < CURRENT; ++i)); do
    case ${words[i]} in
      (--) break ;;
      (@NO_VALUE@|-*=*) ;;
      (-*) ((++i)) ;;
      (*) found+=("${words[i]}") ;;
    esac
  done
  command=${found[1]}
  case $command in
    (@GROUP_NAMES@) command="${found[1,2]}" ;;
  esac
}

_rawkv_ctl() {
  local command
  _rawkv_ctl_find_command
  local -a specs=('1:command:_rawkv_ctl_commands' '(- *)--help[print the help of a command]')
  case $command in
@CASES@
    (*) specs+=(@ALL_FLAGS@) ;;
  esac
  _arguments $specs
}

_rawkv_ctl "$@"
)";

std::string ZshAction(std::string_view argument) {
  switch (KindOf(argument)) {
    case ValueKind::kDirectory:
      return "_files -/";
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kChoice:
      return "(" + ChoiceList(argument) + ")";
    case ValueKind::kCommand:
      return "_rawkv_ctl_commands";
    case ValueKind::kText:
      break;
  }
  return "";
}

// The argument's name as the message of a completion.
std::string ZshMessage(std::string_view argument) {
  return KindOf(argument) == ValueKind::kChoice ? "value" : Quoted(argument, ":[]");
}

std::string ZshFlag(const FlagDescription& flag) {
  const std::string help = Quoted(flag.help, ":[]\\");
  if (flag.boolean()) return fmt::format("'--{}[{}]'", flag.name, help);
  return fmt::format("'--{}={}[{}]:{}{}:{}'", flag.name, flag.value_optional() ? "-" : "", help,
                     flag.value_optional() ? ":" : "", ZshMessage(flag.argument), ZshAction(flag.argument));
}

std::string ZshFlags(const Command& command) {
  Words specs;
  for (const std::string& name : FlagsOf(command)) specs.push_back(ZshFlag(*kFlagSet.Describe(name)));
  return fmt::format("{}", fmt::join(specs, "\n        "));
}

constexpr std::string_view kFish = R"(# fish completion for rawkv-ctl, made by `rawkv-ctl completion fish`.

# Prints the command among the words before the cursor, without flags and their values.
function __rawkv_ctl_command
    set -l found
    set -l skip no
    for word in (commandline -opc)
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --
                break
            case @NO_VALUE@ '-*=*'
                continue
            case '-*'
                set skip yes
            case '*'
                set -a found $word
        end
    end
    # The first word is the program.
    switch "$found[2]"
        case @GROUPS@ help
            echo "$found[2..3]"
        case '*'
            echo "$found[2]"
    end
end

function __rawkv_ctl_at
    set -l command (__rawkv_ctl_command)
    test "$command" = "$argv[1]"
end

complete -c rawkv-ctl -f
complete -c rawkv-ctl -l help -d 'print the help of a command'
@LINES@)";

std::string FishAt(std::string_view command) {
  return fmt::format("complete -c rawkv-ctl -n \"__rawkv_ctl_at '{}'\"", command);
}

std::string FishValue(std::string_view argument) {
  switch (KindOf(argument)) {
    case ValueKind::kDirectory:
      return " -a '(__fish_complete_directories (commandline -ct))'";
    case ValueKind::kFile:
      return " -F";
    case ValueKind::kChoice:
      return fmt::format(" -a '{}'", ChoiceList(argument));
    case ValueKind::kCommand:
    case ValueKind::kText:
      break;
  }
  return "";
}

std::string FishFlag(const Command& command, const FlagDescription& flag) {
  const std::string value = flag.boolean() || flag.value_optional()     ? ""
                            : KindOf(flag.argument) == ValueKind::kFile ? " -r" + FishValue(flag.argument)
                                                                        : " -x" + FishValue(flag.argument);
  return fmt::format("{} -l {}{} -d '{}'\n", FishAt(command.name), flag.name, value, Quoted(flag.help, "\\"));
}

}  // namespace

std::string BashCompletion() {
  std::string flags, choices, arguments;
  for (const Command& command : Commands()) {
    flags += fmt::format("    '{}') echo '--{}' ;;\n", command.name, fmt::join(FlagsOf(command), " --"));
    const ValueKind kind = KindOf(command.arguments);
    if (kind == ValueKind::kFile) {
      arguments +=
          fmt::format("    '{}') mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n", command.name);
    } else if (kind == ValueKind::kChoice) {
      arguments += fmt::format("    '{}') {}\n", command.name, BashWords(ChoiceList(command.arguments)));
    }
  }
  for (const std::string& group : Groups()) {
    arguments += fmt::format("    {0} | 'help {0}') {1}\n", group,
                             BashWords(fmt::format("{}", fmt::join(CommandWords(group), " "))));
  }
  for (const FlagDescription& flag : AllFlags()) {
    if (KindOf(flag.argument) != ValueKind::kChoice) continue;
    choices +=
        fmt::format("    --{}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\") && return ;;\n",
                    flag.name, ChoiceList(flag.argument));
  }
  const auto without_newline = [](std::string text) { return text.substr(0, text.size() - 1); };
  return Fill(std::string(kBash), {{"@NO_VALUE@", FlagsWithoutValue(" | ")},
                                   {"@GROUPS@", fmt::format("{}", fmt::join(Groups(), " | "))},
                                   {"@FLAGS@", without_newline(flags)},
                                   {"@DIRECTORIES@", FlagsOfKind(ValueKind::kDirectory, " | ")},
                                   {"@FILES@", FlagsOfKind(ValueKind::kFile, " | ")},
                                   {"@CHOICES@", without_newline(choices)},
                                   {"@COMMANDS@", fmt::format("{}", fmt::join(CommandWords(), " "))},
                                   {"@ARGUMENTS@", without_newline(arguments)}});
}

std::string ZshCompletion() {
  Words commands, cases, all_flags;
  std::string groups;
  for (const std::string& word : CommandWords()) {
    const Command* const command = FindCommand(word);
    const std::string summary = command == nullptr ? fmt::format("{}", fmt::join(CommandWords(word), ", "))
                                                   : std::string(command->summary);
    commands.push_back(fmt::format("    '{}:{}'", word, Quoted(summary, ":\\")));
  }
  for (const std::string& group : Groups()) {
    Words entries;
    for (const std::string& word : CommandWords(group)) {
      const std::string_view summary = FindCommand(group + " " + word)->summary;
      entries.push_back(fmt::format("    '{}:{}'", word, Quoted(summary, ":\\")));
    }
    groups += fmt::format(
        "_rawkv_ctl_{0}() {{\n  local -a commands=(\n{1}\n  )\n"
        "  _describe -t commands '{0} command' commands\n}}\n\n",
        group, fmt::join(entries, "\n"));
    cases.push_back(fmt::format("    ({0}) specs+=('2:{0} command:_rawkv_ctl_{0}') ;;", group));
  }
  for (const Command& command : Commands()) {
    const bool two_words = command.name.find(' ') != std::string_view::npos;
    std::string arguments = two_words ? "'2: :' " : "";
    if (!command.arguments.empty()) {
      arguments += fmt::format("'*:{}:{}'", ZshMessage(command.arguments), ZshAction(command.arguments));
    }
    cases.push_back(fmt::format("    ({}) specs+=(\n        {}\n        {}) ;;", Quoted(command.name, " "),
                                ZshFlags(command), arguments));
  }
  for (const FlagDescription& flag : AllFlags()) all_flags.push_back(ZshFlag(flag));
  return Fill(std::string(kZsh), {{"@COMMANDS@", fmt::format("{}", fmt::join(commands, "\n"))},
                                  {"@GROUPS@", groups},
                                  {"@NO_VALUE@", FlagsWithoutValue("|")},
                                  {"@GROUP_NAMES@", fmt::format("{}", fmt::join(Groups(), "|"))},
                                  {"@CASES@", fmt::format("{}", fmt::join(cases, "\n"))},
                                  {"@ALL_FLAGS@", fmt::format("{}", fmt::join(all_flags, "\n        "))}});
}

std::string FishCompletion() {
  std::string lines;
  for (const std::string& word : CommandWords()) {
    const Command* const command = FindCommand(word);
    const std::string summary = command == nullptr ? "" : Quoted(command->summary, "\\");
    for (const std::string_view at : {"", "help"}) {
      lines += fmt::format("{} -a {} -d '{}'\n", FishAt(at), word, summary);
    }
  }
  for (const std::string& group : Groups()) {
    for (const std::string& word : CommandWords(group)) {
      const std::string summary = Quoted(FindCommand(group + " " + word)->summary, "\\");
      for (const std::string& at : {group, "help " + group}) {
        lines += fmt::format("{} -a {} -d '{}'\n", FishAt(at), word, summary);
      }
    }
  }
  for (const Command& command : Commands()) {
    const std::string value = FishValue(command.arguments);
    if (!value.empty()) lines += FishAt(command.name) + value + "\n";
    for (const std::string& name : FlagsOf(command)) lines += FishFlag(command, *kFlagSet.Describe(name));
  }
  return Fill(std::string(kFish), {{"@NO_VALUE@", FlagsWithoutValue(" ")},
                                   {"@GROUPS@", fmt::format("{}", fmt::join(Groups(), " "))},
                                   {"@LINES@", lines}});
}

}  // namespace rawkv::ctl
