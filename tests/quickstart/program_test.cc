// Runs the built rawkv-quickstart as a user would.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "tests/quickstart/git_fixture.h"
#include "tests/support/temp_dir.h"
#include "tools/quickstart_process.h"

namespace rawkv::quickstart {
namespace {

struct Ended {
  int exit_status = 0;
  std::string out;
  std::string error;
};

class ProgramTest : public testing::Test {
 protected:
  // TMPDIR is the test's own, so that nothing may be left behind in it.
  Ended Quickstart(const std::vector<std::string>& arguments, const std::string& path = getenv("PATH")) {
    std::filesystem::create_directory(dir_.File("tmp"));
    Command command;
    command.argv = {"/bin/sh", "-c", R"(program=$1; shift; "$program" "$@" 2>"$ERRORS"; echo "exit $?")",
                    "sh", RAWKV_QUICKSTART};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env = {"PATH=" + path, "HOME=/nonexistent", "TMPDIR=" + dir_.File("tmp"),
                   "ERRORS=" + dir_.File("errors")};
    for (const char* inherited : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
      if (const char* value = getenv(inherited)) command.env.push_back(std::string(inherited) + "=" + value);
    }
    Ended run;
    run.out = Capture(command).value();
    const size_t end = run.out.rfind("exit ");
    run.exit_status = std::stoi(run.out.substr(end + 5));
    run.out.resize(end);
    run.error = ReadBack(dir_.File("errors"));
    return run;
  }

  static std::string ReadBack(const std::string& path) {
    Command command;
    command.argv = {"cat", path};
    command.env = {};
    return Capture(command).value();
  }

  // A program called git that does `instead` where `pattern` matches its arguments.
  std::string LyingGit(const std::string& pattern, const std::string& instead) {
    const std::string bin = dir_.File("bin");
    std::filesystem::create_directory(bin);
    const std::string path = getenv("PATH");
    WriteFile(bin + "/git", "#!/bin/sh\nPATH='" + path + "'\ncase \"$*\" in\n  " + pattern + ") " + instead +
                                " ;;\n  *) exec git \"$@\" ;;\nesac\n");
    chmod((bin + "/git").c_str(), 0755);
    return bin + ":" + path;
  }

  void ExpectNothingLeftBehind() { EXPECT_TRUE(std::filesystem::is_empty(dir_.File("tmp"))); }

  static bool Says(const Ended& run, const std::string& pattern) {
    return std::regex_search(run.out, std::regex(pattern));
  }

  TempDir dir_;
};

class SeededProgramTest : public ProgramTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SeededProgramTest, testing::Values(1, 2, 3));

TEST_P(SeededProgramTest, EveryKeyOfAnEventfulHistoryIsEqualToGits) {
  MakeRepository(dir_.File("repo"), EventfulHistory());
  const Ended run = Quickstart({dir_.File("repo"), "--seed=" + std::to_string(GetParam())});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  EXPECT_EQ(run.error, "");
  EXPECT_TRUE(Says(run, "history +git history of .*: 4[0-9][0-9] commits, first-parent, sha1")) << run.out;
  EXPECT_TRUE(Says(run, "submodules left out: 2")) << run.out;
  EXPECT_TRUE(Says(run, "SIGKILL +in the middle of commit [0-9]+, [0-9]+ acknowledged: back in .* at [0-9]+"))
      << run.out;
  EXPECT_TRUE(Says(run, "old reads +versions [0-9, ]+ of [0-9]+ reachable")) << run.out;
  EXPECT_TRUE(Says(run, "values by byte as well")) << run.out;
  EXPECT_TRUE(Says(run, "version [0-9]+ is no longer kept: refused")) << run.out;
  EXPECT_TRUE(Says(run, "rollback +from 4[0-9][0-9] to [0-9]+ in")) << run.out;
  EXPECT_TRUE(Says(run, "deep check clean")) << run.out;
  EXPECT_TRUE(Says(run, "result +every key of every compared version is equal to git's")) << run.out;
  EXPECT_TRUE(Says(run, "seed " + std::to_string(GetParam()))) << run.out;
  ExpectNothingLeftBehind();
}

TEST_F(ProgramTest, ABareSha256RepositoryWorks) {
  MakeRepository(dir_.File("repo"), SmallHistory(), {.bare = true, .object_format = "sha256"});
  const Ended run = Quickstart({dir_.File("repo")});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  EXPECT_TRUE(Says(run, "12 commits, first-parent, sha256")) << run.out;
}

TEST_F(ProgramTest, AShallowCloneWorks) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  RunGit(dir_.path(), {"clone", "--quiet", "--depth=5", "file://" + dir_.File("repo"), "clone"});
  const Ended run = Quickstart({dir_.File("clone")});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  EXPECT_TRUE(Says(run, ": 5 commits")) << run.out;
}

TEST_F(ProgramTest, TheNewestCommitsAreTaken) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  const Ended run = Quickstart({"--commits=3", dir_.File("repo")});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  EXPECT_TRUE(Says(run, "the newest 3 of 12 commits")) << run.out;
}

TEST_F(ProgramTest, OneCommitIsAHistory) {
  ImportStream stream;
  stream.Commit();
  stream.Put("only", "content");
  MakeRepository(dir_.File("repo"), stream);
  const Ended run = Quickstart({dir_.File("repo")});
  EXPECT_EQ(run.exit_status, 0) << run.out << run.error;
}

TEST_F(ProgramTest, ARepositoryOfSubmodulesAloneIsAHistoryOfEmptyVersions) {
  ImportStream stream;
  for (int i = 0; i < 5; ++i) {
    stream.Commit();
    stream.PutSubmodule("module " + std::to_string(i));
  }
  MakeRepository(dir_.File("repo"), stream);
  const Ended run = Quickstart({dir_.File("repo")});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  EXPECT_TRUE(Says(run, "submodules left out: 5")) << run.out;
}

TEST_F(ProgramTest, WithoutAHistoryTheFilesAreReplayedAndItSaysSo) {
  const std::string tree = dir_.File("tree");
  RunGit("/", {"init", "--quiet", tree});
  for (int i = 0; i < 30; ++i)
    WriteFile(tree + "/f" + std::to_string(i), std::string(static_cast<size_t>(i) * 500, 'x'));
  const Ended unborn = Quickstart({tree});
  ASSERT_EQ(unborn.exit_status, 0) << unborn.out << unborn.error;
  EXPECT_TRUE(Says(unborn, "30 files of .*nothing has been committed there yet")) << unborn.out;
  std::filesystem::remove_all(tree + "/.git");
  const Ended plain = Quickstart({"--source=" + tree});
  ASSERT_EQ(plain.exit_status, 0) << plain.out << plain.error;
  EXPECT_TRUE(Says(plain, "not a git history: .*not a git repository")) << plain.out;
  EXPECT_TRUE(Says(plain, "every key of every compared version is equal to the files'")) << plain.out;
  const Ended gitless = Quickstart({tree}, "/nonexistent");
  ASSERT_EQ(gitless.exit_status, 0) << gitless.out << gitless.error;
  EXPECT_TRUE(Says(gitless, "there is no git program")) << gitless.out;
}

TEST_F(ProgramTest, AKeyThatGitDoesNotHaveFailsTheRun) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  std::string tip = RunGit(dir_.File("repo"), {"rev-parse", "main"});
  tip.pop_back();
  const Ended run =
      Quickstart({dir_.File("repo")}, LyingGit("*ls-tree*" + tip, R"(git "$@" | sed 's/\tlog/\tlie/')"));
  EXPECT_EQ(run.exit_status, 1) << run.out << run.error;
  EXPECT_NE(run.error.find("log should not be there"), std::string::npos) << run.error;
  EXPECT_NE(run.error.find("lie is missing"), std::string::npos) << run.error;
  EXPECT_FALSE(Says(run, "result")) << run.out;
  ExpectNothingLeftBehind();
}

TEST_F(ProgramTest, AWrongValueFailsTheRun) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  const Ended run =
      Quickstart({dir_.File("repo")},
                 LyingGit("*cat-file*--batch", R"(git "$@" | sed --unbuffered 's/content 7/CONTENT 7/')"));
  EXPECT_EQ(run.exit_status, 1) << run.out << run.error;
  EXPECT_NE(run.error.find("file 7 has other content than git's"), std::string::npos) << run.error;
}

TEST_F(ProgramTest, AGitThatFailsIsNotTakenForADifference) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  const Ended run =
      Quickstart({dir_.File("repo")}, LyingGit("*cat-file*--batch", "echo out of order >&2; exit 9"));
  EXPECT_EQ(run.exit_status, 3) << run.out << run.error;
  EXPECT_NE(run.error.find("ended with status 9: out of order"), std::string::npos) << run.error;
  ExpectNothingLeftBehind();
}

TEST_F(ProgramTest, AKeptStoreStays) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  const Ended run = Quickstart({dir_.File("repo"), "--keep"});
  ASSERT_EQ(run.exit_status, 0) << run.out << run.error;
  std::smatch kept;
  ASSERT_TRUE(std::regex_search(run.out, kept, std::regex("kept +(\\S+)"))) << run.out;
  EXPECT_TRUE(std::filesystem::exists(kept[1].str() + "/STORE"));
}

TEST_F(ProgramTest, SaysWhatIsWrongWithItsArguments) {
  EXPECT_EQ(Quickstart({"--help"}).exit_status, 0);
  EXPECT_TRUE(Says(Quickstart({"--help"}), "Usage: rawkv-quickstart"));
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{{"--bogus"},
                                                                                   {"--commits=many"},
                                                                                   {"--commits="},
                                                                                   {"--seed=-1"},
                                                                                   {"a", "b"},
                                                                                   {dir_.File("absent")}}) {
    const Ended run = Quickstart(bad);
    EXPECT_EQ(run.exit_status, 2) << bad.front() << run.error;
    EXPECT_NE(run.error, "");
    EXPECT_EQ(run.out, "");
  }
  std::filesystem::create_directory(dir_.File("empty"));
  EXPECT_EQ(Quickstart({dir_.File("empty")}).exit_status, 2);
}

TEST_F(ProgramTest, NoPlaceForTheStoreIsSaid) {
  MakeRepository(dir_.File("repo"), SmallHistory());
  Command command;
  command.argv = {RAWKV_QUICKSTART, dir_.File("repo")};
  command.env = {"PATH=" + std::string(getenv("PATH")), "TMPDIR=" + dir_.File("absent")};
  const auto run = Capture(command);
  EXPECT_NE(run.status().message().find("TMPDIR"), std::string::npos) << run.status().ToString();
}

}  // namespace
}  // namespace rawkv::quickstart
