#include <gtest/gtest.h>

#include "tests/tools/ctl_fixture.h"
#include "tools/ctl/command_table.h"

// The command line as a whole, and the rules for every command.
namespace rawkv::ctl {
namespace {

class CtlUsage : public CtlTest {};

// One correct use of each command. A test adds the error that it checks.
const std::vector<Args> kUses = {{"format"},
                                 {"info"},
                                 {"set", "keep_recent=3"},
                                 {"acknowledge"},
                                 {"put", "k", "v"},
                                 {"get", "k0"},
                                 {"del", "k"},
                                 {"scan"},
                                 {"apply", "-"},
                                 {"dump"},
                                 {"load", "-"},
                                 {"snapshot", "create"},
                                 {"snapshot", "list"},
                                 {"snapshot", "verify"},
                                 {"snapshot", "delete", "--version=3"},
                                 {"snapshot", "prune"},
                                 {"snapshot", "pin", "--name=p"},
                                 {"snapshot", "unpin", "--name=p"},
                                 {"rollback", "--version=1", "--yes"},
                                 {"export", "--version=1", "--out=OUT"},
                                 {"import", "--in=IN"},
                                 {"checkpoint"},
                                 {"rebuild", "--device=DEV"},
                                 {"device", "trim"},
                                 {"device", "grow"},
                                 {"cache", "stats"},
                                 {"cache", "evict", "--size=4KiB"},
                                 {"cache", "pin", "k"},
                                 {"cache", "unpin", "k"},
                                 {"wal", "list"},
                                 {"wal", "dump"},
                                 {"wal", "verify"},
                                 {"fsck"},
                                 {"stats"},
                                 {"top", "--count=1"},
                                 {"log", "--limit=1"},
                                 {"diff", "--from=1", "--to=2"},
                                 {"scrub"},
                                 {"version"},
                                 {"shell"},
                                 {"completion", "bash"},
                                 {"help"}};

std::string NameOf(const Args& use) {
  const std::string two = use.size() > 1 ? use[0] + " " + use[1] : use[0];
  return FindCommand(two) != nullptr ? two : use[0];
}

bool NeedsNoStore(const std::string& name) {
  return name == "version" || name == "completion" || name == "help";
}

Args With(Args use, const std::string& more) {
  use.push_back(more);
  return use;
}

TEST_F(CtlUsage, EveryCommandIsCovered) {
  ASSERT_EQ(kUses.size(), Commands().size());
  for (size_t i = 0; i < kUses.size(); ++i) EXPECT_EQ(NameOf(kUses[i]), Commands()[i].name);
}

TEST_F(CtlUsage, EveryCommandHasHelpWithAnExample) {
  for (const Args& use : kUses) {
    const CtlResult by_flag = RunCtl(With(use, "--help"));
    EXPECT_EQ(by_flag.status, 0) << NameOf(use);
    EXPECT_NE(by_flag.out.find("\nFor example:\n  rawkv-ctl "), std::string::npos) << NameOf(use);
    EXPECT_NE(by_flag.out.find("--store=DIR"), std::string::npos) << NameOf(use);
    Args by_command = {"help"};
    const std::string name = NameOf(use);
    by_command.insert(by_command.end(), use.begin(),
                      use.begin() + (name.find(' ') == std::string::npos ? 1 : 2));
    EXPECT_EQ(RunCtl(by_command).out, by_flag.out) << name;
  }
}

TEST_F(CtlUsage, HelpAloneListsEveryCommand) {
  const CtlResult help = RunCtl({"help"});
  EXPECT_EQ(help.status, 0);
  for (const Command& command : Commands()) {
    EXPECT_NE(help.out.find("\n  " + std::string(command.name) + " "), std::string::npos) << command.name;
  }
  EXPECT_EQ(RunCtl({"--help"}).out, help.out);
  EXPECT_EQ(RunCtl({"help", "snapshot"}).status, 0);
  EXPECT_EQ(RunCtl({"snapshot", "--help"}).out, RunCtl({"help", "snapshot"}).out);
}

TEST_F(CtlUsage, UnknownTopicsAndCommandsEndWith2) {
  EXPECT_TRUE(EndedWith(RunCtl({"help", "rolback"}), 2, "did you mean 'rollback'?"));
  EXPECT_TRUE(EndedWith(RunCtl({"rolback", "--help"}), 2, "did you mean 'rollback'?"));
  EXPECT_TRUE(EndedWith(RunCtl({"rolback"}), 2, "did you mean 'rollback'?"));
  EXPECT_TRUE(EndedWith(RunCtl({"snapshot"}), 2, "create, list, verify"));
  EXPECT_TRUE(EndedWith(RunCtl({}), 2, "no command"));
  EXPECT_TRUE(EndedWith(RunCtl({"--store=x"}), 2, "no command"));
}

TEST_F(CtlUsage, VersionIsACommandAndAFlag) {
  const CtlResult version = RunCtl({"version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.find("rawkv "), 0u);
  EXPECT_EQ(RunCtl({"--version"}).out, version.out);
  const Json json = OkJson({"version"});
  EXPECT_EQ(Fields(json), (Args{"rawkv", "formats"}));
  EXPECT_EQ(Fields(json["formats"]), (Args{"store", "wal", "device", "snapshot"}));
  EXPECT_EQ(Rows(RunCtl({"--version", "--json"}).out).front(), json);
}

TEST_F(CtlUsage, EveryCommandRefusesForeignFlagsWith2) {
  for (const Args& use : kUses) {
    const std::string name = NameOf(use);
    EXPECT_TRUE(EndedWith(Run(With(use, "--no_such_flag=1")), 2, name + ": unknown flag --no_such_flag"));
    EXPECT_TRUE(EndedWith(Run(With(use, "--helpfull")), 2, name + ": unknown flag --helpfull"));
    if (name != "format") {
      EXPECT_TRUE(
          EndedWith(Run(With(use, "--initial_version=1")), 2, name + ": --initial_version is not a flag of"));
    }
  }
}

TEST_F(CtlUsage, EveryCommandRefusesBadValuesWith2) {
  for (const Args& use : kUses) {
    const std::string name = NameOf(use);
    EXPECT_TRUE(
        EndedWith(Run(With(use, "--json=maybe")), 2, name + ": --json: 'maybe' is not true or false"));
    for (const std::string& flag : FlagsOf(*FindCommand(name))) {
      const std::string argument = kFlagSet.Describe(flag)->argument;
      if (argument != "N" && argument != "BYTES") continue;
      EXPECT_TRUE(
          EndedWith(Run(With(use, "--" + flag + "=many")), 2, name + ": --" + flag + ": 'many' is not"));
    }
  }
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "--engine=spdk"}), 2, "put: --engine: 'spdk' is not"));
  EXPECT_TRUE(
      EndedWith(Run({"put", "k", "v", "--durability=maybe"}), 2, "put: --durability: 'maybe' is not"));
}

TEST_F(CtlUsage, EveryCommandOnAStoreNeedsItsDirectory) {
  for (const Args& use : kUses) {
    if (NameOf(use) == "diff" || NeedsNoStore(NameOf(use))) continue;
    EXPECT_TRUE(EndedWith(RunCtl(use), 2,
                          NameOf(use) + ": the store is missing; give --store=DIR or set RAWKV_STORE"));
  }
}

TEST_F(CtlUsage, TheStoreMayComeFromTheEnvironment) {
  Format();
  EXPECT_EQ(RunCtl({"put", "k", "v"}, {.environment = {"RAWKV_STORE=" + store()}}).out, "1\n");
  EXPECT_EQ(RunCtl({"get", "k", "--store", store()}, {.environment = {"RAWKV_STORE=/nowhere"}}).out, "v");
}

TEST_F(CtlUsage, EveryCommandOnAnAbsentStoreEndsWith3) {
  WriteFile("dir", "");
  for (const Args& use : kUses) {
    const std::string name = NameOf(use);
    if (NeedsNoStore(name) || name == "format" || name == "import") continue;
    EXPECT_TRUE(EndedWith(Run(use), 3, name + ": "));
  }
}

TEST_F(CtlUsage, FlagsStandBeforeAndAfterTheCommand) {
  Format();
  EXPECT_EQ(RunCtl({"put", "--store", store(), "k", "--json", "v"}).out, "{\"version\":1}\n");
  EXPECT_EQ(RunCtl({"--json", "--store=" + store(), "put", "k", "w"}).out, "{\"version\":2}\n");
  EXPECT_EQ(RunCtl({"get", "k", "--version", "1", "--store", store()}).out, "v");
  EXPECT_EQ(RunCtl({"--version", "1", "get", "k", "--store", store()}).out, "v");
}

TEST_F(CtlUsage, UnsupportedFunctionsEndWith3) {
  Format();
  for (const Args& use : std::vector<Args>{{"export", "--version=0", "--base=0", "--out=" + File("out")}}) {
    EXPECT_TRUE(EndedWith(Run(use), 3, "not supported yet")) << use.front();
  }
  EXPECT_TRUE(EndedWith(RunCtl({"format", "--digest", "--store=" + File("other")}), 3, "format: "));
  EXPECT_TRUE(EndedWith(Run({"info", "--engine=nvme"}), 3, "info: "));
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "--engine=nvme"}), 3, "put: "));
  EXPECT_TRUE(EndedWith(Run({"diff"}), 2, "give --from=A and --to=B"));
}

// A standard output that takes no bytes ends every command with 5.
TEST_F(CtlUsage, EveryCommandReportsAFullStandardOutput) {
  Format();
  Commit(3);
  Ok({"export", "--version=1", "--out=" + File("export")});
  std::vector<Args> uses = {
      {"info"},
      {"put", "a", "v"},
      {"get", "k1"},
      {"del", "a"},
      {"scan"},
      {"get", "k1", "k2"},
      {"dump"},
      {"apply", "-"},
      {"load", "-"},
      {"snapshot", "create"},
      {"snapshot", "list"},
      {"snapshot", "verify"},
      {"snapshot", "pin", "--name=p"},
      {"snapshot", "unpin", "--name=p"},
      {"snapshot", "prune", "--json"},
      {"rollback", "--version=2", "--dry_run"},
      {"rollback", "--version=3", "--yes"},
      {"export", "--version=2", "--out=" + File("export2")},
      {"export", "--list=" + File("export")},
      {"import", "--in=" + File("export"), "--capacity=16MiB", "--store=" + File("copy")},
      {"wal", "list"},
      {"wal", "dump"},
      {"wal", "verify"},
      {"fsck"},
      {"stats"},
      {"log", "--limit=1"},
      {"diff", "--from=0", "--to=1"},
      {"version"},
      {"completion", "zsh"},
      {"help"},
      {"help", "--man"},
      {"format", "--capacity=16MiB", "--store=" + File("another")}};
  for (const Args& use : uses) {
    const CtlResult result = Run(use, {.input = "{}\n{}\n", .output_path = "/dev/full"});
    EXPECT_TRUE(EndedWith(result, 5, "standard output: No space left on device")) << use.front();
  }
}

TEST_F(CtlUsage, ClosedStandardOutputIsAnErrorAndChangesNoFile) {
  Format();
  const std::string script =
      std::string(RAWKV_CTL_PATH) + " put k v --store=" + store() + " >&- 2>" + File("err") + "; exit $?";
  EXPECT_EQ(WEXITSTATUS(std::system(script.c_str())), 5);
  EXPECT_NE(ReadFile(File("err")).find("standard output: Bad file descriptor"), std::string::npos);
  EXPECT_EQ(Ok({"get", "k"}), "v");
}

// What a command prints to a terminal, without the progress line.
std::string OnATerminal(const Args& args) {
  CtlConversation run(args, CtlConversation::Input::kWholeTerminal);
  std::string shown = run.ReadTerminalUntil("never");
  EXPECT_EQ(run.Wait(), 0) << args.front();
  for (size_t at = 0; (at = shown.find("\r", at)) != std::string::npos;) {
    const size_t wiped = shown.find("\x1b[K", at);
    const bool line_end = shown.compare(at, 2, "\r\n") == 0;
    shown.erase(at, line_end || wiped == std::string::npos ? 1 : wiped + 3 - at);
  }
  return shown;
}

TEST_F(CtlUsage, RowsHaveAHeaderOnATerminalOnly) {
  Format();
  Commit(3);
  Ok({"snapshot", "create"});
  Ok({"export", "--version=1", "--out=" + File("export")});
  const std::string on = "--store=" + store();
  EXPECT_EQ(OnATerminal({"scan", "--prefix=k1", on}),
            "KEY                               SIZE        VERSION\n"
            "k1                                2000        1\n");
  const std::vector<std::pair<Args, std::string>> headers = {
      {{"get", "k0", "k1"}, "KEY  "},
      {{"snapshot", "list"}, "VERSION  "},
      {{"snapshot", "verify"}, "VERSION  "},
      {{"wal", "list"}, "SEGMENT  "},
      {{"wal", "dump"}, "VERSION  "},
      {{"log"}, "VERSION  "},
      {{"diff", "--from=1", "--to=2"}, "CHANGE  "},
      {{"export", "--list=" + File("export")}, "CHUNK  "}};
  for (const auto& [use, header] : headers) {
    EXPECT_TRUE(OnATerminal(With(use, on)).starts_with(header)) << use.front();
    EXPECT_FALSE(Ok(use).starts_with(header)) << use.front();
    EXPECT_TRUE(OnATerminal(With(With(use, on), "--json")).starts_with("{")) << use.front();
  }
}

// Progress goes to a terminal on standard error, and never into the rows.
TEST_F(CtlUsage, LongWorkShowsItsProgressOnATerminal) {
  Format();
  std::string lines;
  for (int i = 0; i < 8; ++i)
    lines += R"({"put":[{"key":"k","value":"v"}]})"
             "\n";
  WriteFile("lines", lines);
  CtlConversation apply({"apply", File("lines"), "--json", "--store=" + store()},
                        CtlConversation::Input::kTerminal);
  EXPECT_NE(apply.ReadTerminalUntil("left by the program").find("\rapply: 34 B of 272 B (12%)"),
            std::string::npos);
  EXPECT_EQ(Rows(apply.ReadOutputToEnd()).size(), 8u);
  EXPECT_EQ(apply.Wait(), 0);

  CtlConversation dump({"dump", "--store=" + store()}, CtlConversation::Input::kTerminal);
  EXPECT_NE(dump.ReadTerminalUntil("left by the program").find("\rdump: 1 B of "), std::string::npos);
  EXPECT_EQ(dump.Wait(), 0);

  CtlConversation scan({"scan", "--store=" + store()}, CtlConversation::Input::kWholeTerminal);
  EXPECT_EQ(scan.ReadTerminalUntil("left by the program").find("scan: "), std::string::npos)
      << "the rows are the progress";
  EXPECT_EQ(scan.Wait(), 0);
}

TEST_F(CtlUsage, PathsAreShownWithSingleSlashes) {
  const CtlResult absent = RunCtl({"info", "--store=" + File("no//store//")});
  EXPECT_EQ(absent.status, 3);
  EXPECT_EQ(absent.err.find("//"), std::string::npos) << absent.err;
  EXPECT_NE(absent.err.find(File("no/store")), std::string::npos) << absent.err;
}

TEST_F(CtlUsage, HintsCanBeTypedAsTheyStand) {
  const std::string place = File("a store's place");
  EXPECT_EQ(RunCtl({"format", "--capacity=16MiB", "--store=" + place}).status, 0);
  const CtlResult refused = RunCtl({"snapshot", "delete", "--version=7", "--store=" + place});
  const size_t begin = refused.err.find('`') + 1;
  std::string hint = refused.err.substr(begin, refused.err.find('`', begin) - begin);
  ASSERT_TRUE(hint.starts_with("rawkv-ctl ")) << refused.err;
  hint = "'" RAWKV_CTL_PATH "'" + hint.substr(9);
  EXPECT_EQ(std::system(hint.c_str()), 0) << hint;
}

TEST_F(CtlUsage, ErrorsAreOneLineForAnyQuotedBytes) {
  Format();
  EXPECT_TRUE(EndedWith(Run({"get", "no\nsuch\x1b[2J"}), 1, "no key 'no\\nsuch\\x1b[2J'"));
  EXPECT_TRUE(EndedWith(Run({"bad\ncommand"}), 2, "bad\\ncommand"));
}

}  // namespace
}  // namespace rawkv::ctl
