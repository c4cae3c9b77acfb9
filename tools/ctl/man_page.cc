#include "tools/ctl/man_page.h"

#include <fmt/format.h>

#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "engine/admin/inspect.h"
#include "tools/cli/roff.h"
#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

std::string Example(std::string_view text) {
  return fmt::format(".PP\n.RS 4\n.EX\n{}\n.EE\n.RE\n", Roff(text));
}

// Help text that is wrapped by hand: fills its lines, but keeps the indented ones as they are.
std::string Paragraph(std::string_view text) {
  std::string out = ".PP\n";
  bool literal = false;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with("  ");
    if (indented != literal) out += indented ? ".PP\n.EX\n" : ".EE\n.PP\n";
    literal = indented;
    out += Roff(line) + '\n';
  }
  return literal ? out + ".EE\n" : out;
}

std::string CommandSection(const Command& command) {
  std::string usage = std::string(command.name);
  if (!command.arguments.empty()) usage += fmt::format(" {}", command.arguments);
  std::string summary(command.summary);
  summary.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(summary.front())));
  std::string text = fmt::format(".SS \"{}\"\n{}.\n", Roff(usage), Roff(summary));
  if (!command.details.empty()) text += Paragraph(command.details);
  std::vector<std::string> flags;
  for (const std::string& name : FlagsOf(command)) {
    flags.push_back("\\fB" + Roff("--" + name) + "\\fR");
  }
  text += fmt::format(".PP\nFlags:\n{}.\n", fmt::join(flags, ",\n"));
  return text + Example(command.example);
}

std::string FlagSections() {
  std::set<std::string> names;
  for (const Command& command : Commands()) {
    for (std::string& name : FlagsOf(command)) names.insert(std::move(name));
  }
  std::string text;
  for (const std::string& name : names) {
    const FlagDescription flag = *kFlagSet.Describe(name);
    text += fmt::format(".TP\n.B {}\n{}.\n", Roff(flag.Usage()), Roff(flag.help));
  }
  return text;
}

}  // namespace

std::string ManPage() {
  std::string text = fmt::format(
      ".\\\" Made by rawkv-ctl help --man.\n"
      ".TH RAWKV\\-CTL 1 \"\" \"rawkv {}\" \"rawkv manual\"\n.nh\n.ad l\n"
      ".SH NAME\nrawkv\\-ctl \\- operate a versioned key-value store\n"
      ".SH SYNOPSIS\n.B rawkv\\-ctl\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fB\\-\\-\\fIflag\\fB=\\fIvalue\\fR "
      "...]\n"
      ".SH DESCRIPTION\n",
      LibraryVersion());
  text += Roff(
      "rawkv-ctl operates a rawkv store: an embedded key-value store in which every commit makes a new\n"
      "version. Flags stand before or after the command, as --flag=value or --flag value. Words after --\n"
      "are not flags.\n");
  text += ".SH COMMANDS\n";
  for (const Command& command : Commands()) text += CommandSection(command);
  text += ".SH FLAGS\nEach command takes the flags that its section names.\n" + FlagSections();
  text += ".SH \"EXIT STATUS\"\n";
  for (const ExitStatusHelp& row : kExitStatuses) {
    text += fmt::format(".TP\n.B {}\n{}.\n", static_cast<int>(row.status), Roff(row.meaning));
  }
  text +=
      ".SH ENVIRONMENT\n.TP\n.B RAWKV_STORE\nThe store's directory, for commands without\n.BR \\-\\-store "
      ".\n";
  return text;
}

}  // namespace rawkv::ctl
