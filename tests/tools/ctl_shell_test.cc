#include <csignal>
#include <cstdlib>

#include "tests/tools/ctl_fixture.h"

// shell.
namespace rawkv::ctl {
namespace {

class CtlShell : public CtlTest {
 protected:
  void SetUp() override {
    Format();
    ::setenv("RAWKV_HISTORY", File("history").c_str(), 1);
    ::setenv("TERM", "xterm", 1);
  }
  void TearDown() override {
    ::unsetenv("RAWKV_HISTORY");
    CtlTest::TearDown();
  }
};

TEST_F(CtlShell, RunsTheLinesOfAScriptOnOneOpenStore) {
  const std::string script =
      "put k 'a value'   # a comment\n"
      "\n"
      "get k\n"
      "put --json k b\n"
      "get k --version=1\n"
      "scan --values\n"
      "snapshot create\n"
      "del k\n"
      "scan\n"
      "wal dump --json\n";
  const std::string out = Ok({"shell"}, {.input = script});
  EXPECT_EQ(out.find("1\na value{\"version\":2}\na valuek\t1\t2\tb\n2\n3\n{\"version\":1,"), 0u) << out;
  EXPECT_EQ(OkJson({"info"})["version"], 3);
}

TEST_F(CtlShell, ClosesTheStoreForCommandsThatNeedIt) {
  Commit(3);
  EXPECT_EQ(
      Ok({"shell"}, {.input = "put k v\nfsck\nrollback --version=3 --yes\nput k w\nget k\nwal verify\n"})
          .substr(0, 5),
      "4\nok\n");
  EXPECT_EQ(OkJson({"info"})["version"], 4);
  EXPECT_EQ(Ok({"get", "k"}), "w");
}

TEST_F(CtlShell, FlagsOfALineEndWithIt) {
  EXPECT_EQ(Ok({"shell"}, {.input = "put k v\nput k w\nget k --version=1\nget k\n"}), "1\n2\nvw");
  EXPECT_EQ(Ok({"shell", "--json"}, {.input = "put k x\nput k y\n"}), "{\"version\":3}\n{\"version\":4}\n")
      << "the flags of the shell hold for each line";
}

TEST_F(CtlShell, AScriptStopsAtTheFirstFailedLine) {
  const CtlResult bad =
      Run({"shell"}, {.input = "put k v\nget nothing\nsnapshot delete --version=7\nput k w\n"});
  EXPECT_EQ(bad.status, 3);
  EXPECT_EQ(bad.out, "1\n");
  EXPECT_NE(bad.err.find("rawkv-ctl: get: no key 'nothing'\n"), std::string::npos) << bad.err;
  EXPECT_NE(bad.err.find("rawkv-ctl: shell: standard input: line 3 failed\n"), std::string::npos) << bad.err;
  EXPECT_EQ(Run({"shell"}, {.input = "put 'k\n"}).status, 2);
}

TEST_F(CtlShell, RefusesWhatALineCannotDo) {
  for (const std::string line : {"format", "import --in=x", "shell", "put k v --durability=synced",
                                 "get k --store=/elsewhere", "scan --read_only"}) {
    const CtlResult refused = Run({"shell"}, {.input = line + "\n"});
    EXPECT_EQ(refused.status, 2) << line;
    EXPECT_NE(refused.err.find("of the shell"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(OkJson({"info"})["version"], 0);
}

TEST_F(CtlShell, ReadsAlongsideAWriterAndSeesItsCommits) {
  CtlConversation writer({"apply", "-", "--store=" + store()}, CtlConversation::Input::kPipe);
  writer.Write("{\"put\":[{\"key\":\"k\",\"value\":\"v\"}]}\n");
  ASSERT_EQ(writer.ReadLine(), "1");
  CtlConversation shell({"shell", "--read_only", "--store=" + store()}, CtlConversation::Input::kPipe);
  shell.Write("scan --values\n");
  EXPECT_EQ(shell.ReadLine(), "k\t1\t1\tv");
  writer.Write("{\"put\":[{\"key\":\"k\",\"value\":\"w\"}]}\n");
  ASSERT_EQ(writer.ReadLine(), "2");
  shell.Write("scan --values\n");
  EXPECT_EQ(shell.ReadLine(), "k\t1\t2\tw");
  shell.Write("put k x\n");
  shell.CloseInput();
  EXPECT_EQ(shell.Wait(), 3) << "it cannot write";
  writer.CloseInput();
  EXPECT_EQ(writer.Wait(), 0);
}

TEST_F(CtlShell, HasAPromptCompletionAndHistoryOnATerminal) {
  {
    CtlConversation shell({"shell", "--store=" + store()}, CtlConversation::Input::kTerminal);
    shell.ReadPrompt();
    shell.Write("put animals/horse neigh\n");
    EXPECT_EQ(shell.ReadLine(), "1");
    shell.ReadPrompt();
    shell.Write("scan --val\t\n");  // completes the flag
    EXPECT_EQ(shell.ReadLine(), "animals/horse\t5\t1\tneigh");
    shell.ReadPrompt();
    shell.Write("get ani\t--json\n");  // completes the key
    EXPECT_EQ(Json::parse(shell.ReadLine())["key"], "animals/horse");
    shell.ReadPrompt();
    shell.Write("put t\xc3\xbcr \xe2\x82\xac\n");  // UTF-8
    EXPECT_EQ(shell.ReadLine(), "2");
    shell.ReadPrompt();
    shell.Write("get t\xc3\xbcr --json\n");
    EXPECT_EQ(Json::parse(shell.ReadLine())["value_b64"], "4oKs");
    shell.ReadPrompt();
    shell.Write("get nothing\n");
    EXPECT_NE(shell.ReadPrompt().find("no key 'nothing'"), std::string::npos) << "it continues";
    shell.Write("exit\n");
    EXPECT_EQ(shell.Wait(), 0);
  }
  EXPECT_NE(ReadFile(File("history")).find("get"), std::string::npos);
  CtlConversation again({"shell", "--store=" + store()}, CtlConversation::Input::kTerminal);
  again.ReadPrompt();
  again.Write("\x1b[A\x1b[A\n");  // two lines up: "get nothing"
  EXPECT_NE(again.ReadPrompt().find("no key 'nothing'"), std::string::npos);
  again.Write("\x04");  // Ctrl-D
  EXPECT_EQ(again.Wait(), 0);
}

TEST_F(CtlShell, AnInterruptEndsTheLineAndASignalToEndClosesTheStore) {
  CtlConversation shell({"shell", "--store=" + store()}, CtlConversation::Input::kTerminal);
  shell.ReadPrompt();
  shell.Write("put k v\n");
  EXPECT_EQ(shell.ReadLine(), "1");
  shell.ReadPrompt();
  shell.Signal(SIGINT);
  shell.ReadPrompt();
  shell.Write("get k --json\n");
  EXPECT_EQ(Json::parse(shell.ReadLine())["version"], 1);
  shell.ReadPrompt();
  shell.Signal(SIGTERM);
  EXPECT_EQ(shell.Wait(), 0);
}

}  // namespace
}  // namespace rawkv::ctl
