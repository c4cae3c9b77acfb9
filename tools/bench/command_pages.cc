#include "tools/bench/command_pages.h"

#include <fmt/format.h>

#include "engine/admin/inspect.h"
#include "tools/bench/options.h"
#include "tools/bench/workload.h"
#include "tools/cli/roff.h"

namespace rawkv::bench {
namespace {

using ctl::FlagDescription;
using ctl::Roff;

bool IsFile(const FlagDescription& flag) {
  return flag.argument == "FILE" || flag.argument == "PATH" || flag.argument == "DIR";
}

// The words that can be the value of the flag, or the argument of the command.
std::vector<std::string> WordsFor(std::string_view name, std::string_view argument) {
  if (name != "workloads" && name != "peers") return ctl::ChoicesOf(argument);
  std::vector<std::string> words;
  if (name == "workloads") {
    for (const Workload& workload : Workloads()) words.emplace_back(workload.name);
  } else {
    for (const PeerKind& peer : PeerKinds()) words.push_back(peer.name);
    words.emplace_back("fio");
  }
  return words;
}

// Text within single quotes of a shell, without what zsh takes for a separator.
std::string Quotable(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == '[' || c == ']' || c == ':'; });
  return text;
}

std::string CommandNames() {
  std::string names;
  for (const CommandHelp& command : kCommands) names += fmt::format("{} ", command.name);
  names.pop_back();
  return names;
}

std::string BashCompletion() {
  std::string values, flags;
  for (const FlagDescription& flag : FlagDescriptions()) {
    flags += " --" + flag.name;
    const std::vector<std::string> words = WordsFor(flag.name, flag.argument);
    if (IsFile(flag)) {
      values += fmt::format("    --{}) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n", flag.name);
    } else if (!words.empty()) {
      values += fmt::format("    --{}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\") ;;\n",
                            flag.name, fmt::join(words, " "));
    }
  }
  return fmt::format(
      R"(# bash completion for rawkv-bench, made by `rawkv-bench completion bash`.

_rawkv_bench() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  # readline splits at "=": --dir = DIR
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  COMPREPLY=()
  case $previous in
{}    compare | report | *.json) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$current") ;;
    *)
      if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '{} --help' -- "$current")
      else
        mapfile -t COMPREPLY < <(compgen -W '{}' -- "$current")
      fi
      ;;
  esac
}}

complete -F _rawkv_bench rawkv-bench
)",
      values, flags, CommandNames());
}

std::string ZshCompletion() {
  std::string specs;
  for (const FlagDescription& flag : FlagDescriptions()) {
    const std::vector<std::string> words = WordsFor(flag.name, flag.argument);
    std::string action = IsFile(flag) ? "_files" : "";
    if (!words.empty()) action = fmt::format("_values -s , value {}", fmt::join(words, " "));
    specs += flag.boolean() ? fmt::format("  '--{}[{}]'", flag.name, Quotable(flag.help))
                            : fmt::format("  '--{}=[{}]:{}:{}'", flag.name, Quotable(flag.help),
                                          Quotable(flag.argument), action);
    specs += " \\\n";
  }
  return fmt::format(
      "#compdef rawkv-bench\n# zsh completion for rawkv-bench, made by `rawkv-bench completion zsh`.\n\n"
      "_arguments \\\n{}  '(- *)--help[print help]' \\\n  '1:command:({})' \\\n  '*:file:_files'\n",
      specs, CommandNames());
}

std::string FishCompletion() {
  std::string text =
      "# fish completion for rawkv-bench, made by `rawkv-bench completion fish`.\n\n"
      "complete -c rawkv-bench -l help -d 'print help'\n";
  for (const CommandHelp& command : kCommands) {
    text += fmt::format("complete -c rawkv-bench -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                        command.what);
    const std::vector<std::string> words = WordsFor(command.name, command.arguments);
    if (words.empty()) continue;
    text += fmt::format("complete -c rawkv-bench -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                        command.name, fmt::join(words, " "));
  }
  for (const FlagDescription& flag : FlagDescriptions()) {
    const std::vector<std::string> words = WordsFor(flag.name, flag.argument);
    std::string value = flag.boolean() ? "" : IsFile(flag) ? " -r -F" : " -x";
    if (!words.empty()) value += fmt::format(" -a '{}'", fmt::join(words, " "));
    text += fmt::format("complete -c rawkv-bench -l {}{} -d '{}'\n", flag.name, value, Quotable(flag.help));
  }
  return text;
}

}  // namespace

std::string ManPage() {
  std::string text = fmt::format(
      ".\\\" Made by rawkv-bench help --man.\n"
      ".TH RAWKV\\-BENCH 1 \"\" \"rawkv {}\" \"rawkv manual\"\n.nh\n.ad l\n"
      ".SH NAME\nrawkv\\-bench \\- measure rawkv and comparable stores\n.SH SYNOPSIS\n",
      LibraryVersion());
  for (const CommandHelp& command : kCommands) {
    text += fmt::format(".B rawkv\\-bench\n{}\n.br\n", Roff(command.usage));
  }
  text += ".SH COMMANDS\n";
  for (const CommandHelp& command : kCommands) {
    text += fmt::format(".TP\n.B {}\n{}.\n", Roff(command.name), Roff(command.what));
  }
  text += ".SH WORKLOADS\n";
  for (const Workload& workload : Workloads()) {
    text += fmt::format(".TP\n.B {}\n{}\n", Roff(workload.name), Roff(workload.what));
  }
  text += ".SH FLAGS\n";
  for (const FlagDescription& flag : FlagDescriptions()) {
    text += fmt::format(".TP\n.B {}\n{}.\n", Roff(flag.Usage()), Roff(flag.help));
  }
  text += ".SH \"EXIT STATUS\"\n";
  for (const ExitStatusHelp& row : kExitStatuses) {
    text += fmt::format(".TP\n.B {}\n{}.\n", row.status, Roff(row.meaning));
  }
  return text;
}

Result<std::string> Completion(const std::string& shell) {
  if (shell == "bash") return BashCompletion();
  if (shell == "zsh") return ZshCompletion();
  if (shell == "fish") return FishCompletion();
  return Status::InvalidArgument("there is no completion for '" + shell + "', only for bash, zsh and fish");
}

}  // namespace rawkv::bench
