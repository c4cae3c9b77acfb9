#include "tools/ctl/command_line.h"

#include <gtest/gtest.h>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

CommandLine Parsed(const std::vector<std::string>& args) {
  Result<CommandLine> line = ParseCommandLine(args);
  EXPECT_TRUE(line.ok()) << line.status().ToString();
  return line.ok() ? std::move(line).value()
                   : CommandLine{.command = FindCommand("help"), .arguments = {}, .flags = {}};
}

std::string Refusal(const std::vector<std::string>& args) {
  const Result<CommandLine> line = ParseCommandLine(args);
  EXPECT_FALSE(line.ok());
  EXPECT_EQ(line.status().code(), StatusCode::kInvalidArgument);
  return line.status().message();
}

TEST(CommandLine, AcceptsFlagsBeforeAndAfterTheCommand) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"--store=S", "--json", "get", "k", "--version=7"},
           {"--store", "S", "--json", "get", "k", "--version", "7"},
           {"--store", "S", "--json=true", "get", "--version", "7", "k"},
       }) {
    const CommandLine line = Parsed(args);
    EXPECT_EQ(line.command->name, "get");
    EXPECT_EQ(line.arguments, std::vector<std::string>{"k"});
    EXPECT_EQ(line.flags, (Pairs{{"store", "S"}, {"json", "true"}, {"version", "7"}}));
  }
}

TEST(CommandLine, AcceptsVersionInEverySpelling) {
  EXPECT_EQ(Parsed({"rollback", "--version", "7"}).flags, (Pairs{{"version", "7"}}));
  EXPECT_EQ(Parsed({"rollback", "--version=7"}).flags, (Pairs{{"version", "7"}}));
  EXPECT_EQ(Parsed({"--version", "7", "rollback"}).flags, (Pairs{{"version", "7"}}));
  EXPECT_EQ(Parsed({"version"}).command->name, "version");
  EXPECT_EQ(Parsed({"--version"}).command->name, "version");
  EXPECT_EQ(Parsed({"--version", "--json"}).command->name, "version");
  EXPECT_EQ(Parsed({"--json", "--version"}).flags, (Pairs{{"json", "true"}}));
  EXPECT_EQ(Refusal({"rollback", "--version"}), "rollback: --version needs a value (--version=N)");
  EXPECT_EQ(Refusal({"rollback", "--version", "--yes"}), "rollback: --version needs a value (--version=N)");
}

TEST(CommandLine, AcceptsDashesForUnderscoresAndOneDashForTwo) {
  EXPECT_EQ(Parsed({"format", "--slot-bytes=4K", "-inline_bytes", "2K"}).flags,
            (Pairs{{"slot_bytes", "4K"}, {"inline_bytes", "2K"}}));
}

TEST(CommandLine, AcceptsBooleansAndTheirOpposites) {
  EXPECT_EQ(Parsed({"info", "--json", "--nojson", "--json=false"}).flags,
            (Pairs{{"json", "true"}, {"json", "false"}, {"json", "false"}}));
  EXPECT_EQ(Parsed({"get", "--json", "k"}).arguments, std::vector<std::string>{"k"});
}

TEST(CommandLine, AcceptsNoFlagsAfterTwoDashes) {
  const CommandLine line = Parsed({"put", "--json", "--", "--store", "--json"});
  EXPECT_EQ(line.arguments, (std::vector<std::string>{"--store", "--json"}));
  EXPECT_EQ(line.flags, (Pairs{{"json", "true"}}));
  EXPECT_EQ(Parsed({"put", "k", "--", "-5"}).arguments, (std::vector<std::string>{"k", "-5"}));
  EXPECT_EQ(Parsed({"--", "get", "--help"}).arguments, std::vector<std::string>{"--help"});
}

TEST(CommandLine, AcceptsASingleDashAsAnArgument) {
  EXPECT_EQ(Parsed({"apply", "-"}).arguments, std::vector<std::string>{"-"});
  EXPECT_EQ(Parsed({"put", "k", "--file", "-"}).flags, (Pairs{{"file", "-"}}));
}

TEST(CommandLine, AcceptsCommandsOfTwoWords) {
  EXPECT_EQ(Parsed({"snapshot", "create"}).command->name, "snapshot create");
  EXPECT_EQ(Parsed({"wal", "--json", "dump"}).command->name, "wal dump");
  EXPECT_EQ(Refusal({"wal"}), "wal needs a second word: list, dump, verify");
  EXPECT_EQ(Refusal({"snapshot", "crate"}), "unknown command 'snapshot crate'; did you mean 'create'?");
}

TEST(CommandLine, HelpFlagGivesTheHelpCommand) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"get", "--help"}, {"--help", "get"}, {"get", "k", "-h"}, {"get", "--nonsense", "--help"}}) {
    const CommandLine line = Parsed(args);
    EXPECT_EQ(line.command->name, "help");
    EXPECT_EQ(line.arguments, std::vector<std::string>{"get"});
  }
  EXPECT_TRUE(Parsed({"--help"}).arguments.empty());
  EXPECT_EQ(Parsed({"snapshot", "pin", "--help"}).arguments, (std::vector<std::string>{"snapshot", "pin"}));
  EXPECT_EQ(Parsed({"snapshot", "--help"}).arguments, std::vector<std::string>{"snapshot"});
}

TEST(CommandLine, RefusesUnknownCommandsAndFlagsWithASuggestion) {
  EXPECT_EQ(Refusal({}), "no command; `rawkv-ctl help` lists them");
  EXPECT_EQ(Refusal({"rolback"}), "unknown command 'rolback'; did you mean 'rollback'?");
  EXPECT_EQ(Refusal({"get", "k", "--verison=7"}), "get: unknown flag --verison; did you mean 'version'?");
  EXPECT_EQ(Refusal({"put", "k", "-5"}),
            "put: unknown flag -5; write -- before arguments that start with a dash");
}

TEST(CommandLine, RefusesFlagsOfOtherCommands) {
  EXPECT_EQ(Refusal({"get", "k", "--keep=3"}),
            "get: --keep is not a flag of this command; see `rawkv-ctl help get`");
  for (const Command& command : Commands()) {
    if (command.name == "snapshot prune") continue;
    std::vector<std::string> args = {std::string(command.name), "--keep=3"};
    if (const size_t space = args[0].find(' '); space != std::string::npos) {
      args = {args[0].substr(0, space), args[0].substr(space + 1), "--keep=3"};
    }
    EXPECT_NE(Refusal(args).find("--keep is not a flag of this command"), std::string::npos) << command.name;
  }
}

TEST(CommandLine, RefusesFlagsThatGflagsDefines) {
  for (const char* flag : {"--flagfile=/etc/passwd", "--fromenv=x", "--undefok=x", "--helpfull",
                           "--at_version=3", "--tab_completion_word=x"}) {
    EXPECT_NE(Refusal({"info", flag}).find("unknown flag"), std::string::npos) << flag;
  }
}

TEST(CommandLine, RefusesForgottenValues) {
  EXPECT_EQ(Refusal({"info", "--store"}), "info: --store needs a value (--store=…)");
  EXPECT_EQ(Refusal({"info", "--store", "--json"}), "info: --store needs a value (--store=…)");
}

TEST(CommandLine, TakesAnOptionalValueOnlyAfterAnEqualsSign) {
  using Given = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(Parsed({"stats", "--watch"}).flags, (Given{{"watch", "1"}}));
  EXPECT_EQ(Parsed({"stats", "--watch=5"}).flags, (Given{{"watch", "5"}}));
  EXPECT_EQ(Parsed({"--watch", "stats"}).flags, (Given{{"watch", "1"}}));
  EXPECT_EQ(Refusal({"stats", "--watch", "5"}), "stats: one argument too many: '5'");
}

TEST(CommandLine, RefusesTooFewAndTooManyArguments) {
  EXPECT_EQ(Refusal({"get"}), "get: KEY is missing; usage: rawkv-ctl get KEY [KEY …]");
  EXPECT_EQ(Parsed({"get", "a", "b", "c"}).arguments, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(Refusal({"del", "a", "b"}), "del: one argument too many: 'b'");
  EXPECT_EQ(Refusal({"info", "x"}), "info: one argument too many: 'x'");
  EXPECT_TRUE(Parsed({"get", "--key_b64=aw=="}).arguments.empty());
  EXPECT_EQ(Refusal({"get", "k", "--key_b64=aw=="}),
            "get: one argument too many: 'k' (--key_b64 replaces KEY)");
  EXPECT_EQ(Parsed({"put", "v", "--key_b64=aw=="}).arguments, std::vector<std::string>{"v"});
  EXPECT_EQ(Parsed({"put", "k", ""}).arguments, (std::vector<std::string>{"k", ""}));
}

}  // namespace
}  // namespace rawkv::ctl
