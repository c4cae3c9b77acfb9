#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/fs_ops.h"
#include "tests/support/temp_dir.h"
#include "tools/ctl/command_table.h"
#include "tools/ctl/man_page.h"
#include "tools/ctl/shell_completion.h"

// The completion scripts and the manual page, which are generated, and docs/cli.md, which is written by hand,
// have every command and flag.
namespace rawkv::ctl {
namespace {

using Words = std::vector<std::string>;

bool IsInstalled(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null").c_str()) == 0;
}

class Completion : public ::testing::Test {
 protected:
  // Writes a file into the test's directory, and returns its path.
  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(dir_.File(name)) << content;
    return dir_.File(name);
  }
  // Runs a shell command that must end with 0. Returns what it prints, sorted.
  Words Run(const std::string& command) const {
    const std::string output = dir_.File("output");
    EXPECT_EQ(std::system((command + " >" + output + " 2>&1").c_str()), 0) << command;
    Words lines;
    std::ifstream file(output);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

 private:
  const TempDir dir_;
};

Words DashedFlags(const Command& command) {
  Words flags = FlagsOf(command);
  flags.emplace_back("help");
  for (std::string& flag : flags) flag = "--" + flag;
  std::sort(flags.begin(), flags.end());
  return flags;
}

Words Sorted(Words words) {
  std::sort(words.begin(), words.end());
  return words;
}

// What bash offers for the last of the words. One bash answers all questions.
class BashCompletions : public Completion {
 protected:
  void Ask(const Words& words) {
    script_ += "COMP_WORDS=(rawkv-ctl";
    for (const std::string& word : words) script_ += " '" + word + "'";
    script_ += ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n_rawkv_ctl\n" +
               "printf '%s ' $(printf '%s\\n' \"${COMPREPLY[@]}\" | LC_ALL=C sort)\necho\n";
  }
  // The answers in the order of the questions.
  std::vector<Words> Answers() {
    const std::string file = Write("ask", BashCompletion() + script_);
    EXPECT_EQ(std::system(("bash " + file + " >" + file + ".out 2>&1").c_str()), 0);
    std::vector<Words> answers;
    std::ifstream lines(file + ".out");
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      answers.emplace_back();
      for (std::string word; words >> word;) answers.back().push_back(word);
    }
    return answers;
  }

 private:
  std::string script_;
};

TEST_F(BashCompletions, HaveTheFlagsOfEachCommand) {
  for (const Command& command : Commands()) {
    const size_t space = command.name.find(' ');
    Words words = {std::string(command.name.substr(0, space))};
    if (space != std::string_view::npos) words.emplace_back(command.name.substr(space + 1));
    words.emplace_back("--");
    Ask(words);
  }
  const std::vector<Words> answers = Answers();
  ASSERT_EQ(answers.size(), Commands().size());
  for (size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i], DashedFlags(Commands()[i])) << Commands()[i].name;
}

TEST_F(BashCompletions, HaveCommandsAndChoices) {
  Ask({""});
  Ask({"snapshot", ""});
  Ask({"help", "wal", ""});
  Ask({"--store", "/s", "--json", "wal", ""});
  Ask({"--store", "=", "/s", "sn"});
  Ask({"stats", "--watch", ""});
  Ask({"put", "--durability", "=", ""});
  Ask({"put", "--engine", "i"});
  Ask({"completion", ""});
  Ask({"get", "k", "--vers"});
  const std::vector<Words> answers = Answers();
  const std::vector<Words> expected = {Sorted(CommandWords()),
                                       Sorted(CommandWords("snapshot")),
                                       Sorted(CommandWords("wal")),
                                       Sorted(CommandWords("wal")),
                                       {"snapshot"},
                                       {},
                                       {"synced", "unsafe_unsynced"},
                                       {"io_uring"},
                                       {"bash", "fish", "zsh"},
                                       {"--version"}};
  EXPECT_EQ(answers, expected);
}

TEST_F(Completion, BashAcceptsTheSyntax) {
  EXPECT_EQ(Run("bash -n " + Write("script", BashCompletion())), Words());
}

TEST_F(Completion, ZshScriptHasEachCommandWithItsFlags) {
  const std::string script = ZshCompletion();
  for (const std::string& word : CommandWords()) {
    EXPECT_NE(script.find("    '" + word + ":"), std::string::npos) << word;
  }
  for (const Command& command : Commands()) {
    std::string opening = "    (" + std::string(command.name) + ") specs+=(";
    if (const size_t space = opening.find(' ', 5); command.name.find(' ') != std::string_view::npos) {
      opening.insert(space, "\\");
    }
    const size_t begin = script.find(opening);
    ASSERT_NE(begin, std::string::npos) << opening;
    const std::string section = script.substr(begin, script.find(";;", begin) - begin);
    for (const std::string& flag : FlagsOf(command)) {
      EXPECT_TRUE(section.find("'--" + flag + "=") != std::string::npos ||
                  section.find("'--" + flag + "[") != std::string::npos)
          << command.name << " --" << flag;
    }
  }
}

TEST_F(Completion, ZshAcceptsTheSyntax) {
  if (!IsInstalled("zsh")) GTEST_SKIP() << "zsh is not installed";
  EXPECT_EQ(Run("zsh -n " + Write("script", ZshCompletion())), Words());
}

TEST_F(Completion, FishScriptHasEachCommandWithItsFlags) {
  const std::string script = FishCompletion();
  for (const std::string& word : CommandWords()) {
    EXPECT_NE(script.find("__rawkv_ctl_at ''\" -a " + word + " "), std::string::npos) << word;
  }
  for (const Command& command : Commands()) {
    for (const std::string& flag : FlagsOf(command)) {
      const std::string line = "__rawkv_ctl_at '" + std::string(command.name) + "'\" -l " + flag + " ";
      EXPECT_NE(script.find(line), std::string::npos) << command.name << " --" << flag;
    }
  }
}

TEST_F(Completion, FishOffersTheFlagsOfACommand) {
  if (!IsInstalled("fish")) GTEST_SKIP() << "fish is not installed";
  const std::string script = Write("script", FishCompletion());
  EXPECT_EQ(Run("fish --no-execute " + script), Words());
  const auto offered = [&](const std::string& line) {
    Words words = Run("fish --no-config -c \"source " + script + "; complete -C '" + line + "'\"");
    for (std::string& word : words) word = word.substr(0, word.find('\t'));
    return words;
  };
  EXPECT_EQ(offered("rawkv-ctl get k --"), DashedFlags(*FindCommand("get")));
  EXPECT_EQ(offered("rawkv-ctl --store /s snapshot pin --"), DashedFlags(*FindCommand("snapshot pin")));
  EXPECT_EQ(offered("rawkv-ctl wal "), Sorted(CommandWords("wal")));
  EXPECT_EQ(offered("rawkv-ctl "), Sorted(CommandWords()));
  EXPECT_EQ(offered("rawkv-ctl completion "), (Words{"bash", "fish", "zsh"}));
}

// The text of the page, as man shows it, without line ends.
std::string Rendered(const Words& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

TEST_F(Completion, ManualPageRendersWithoutWarnings) {
  if (!IsInstalled("groff")) GTEST_SKIP() << "groff is not installed";
  const std::string page = Write("rawkv-ctl.1", ManPage());
  EXPECT_EQ(Run("groff -man -ww -z -Tutf8 -Kutf8 " + page), Words());
  const std::string text = Rendered(Run("groff -man -Tascii -P-cbou -rLL=200n " + page));
  for (const Command& command : Commands()) {
    EXPECT_NE(text.find(std::string(command.name)), std::string::npos) << command.name;
    EXPECT_NE(text.find(command.example), std::string::npos) << command.name;
    for (const std::string& flag : FlagsOf(command)) {
      EXPECT_NE(text.find(kFlagSet.Describe(flag)->Usage()), std::string::npos) << flag;
    }
  }
}

TEST_F(Completion, MandocAcceptsTheManualPage) {
  if (!IsInstalled("mandoc")) GTEST_SKIP() << "mandoc is not installed";
  // The page has no date, so that the same sources make the same page. mandoc ends with 2 for that warning.
  const std::string page = Write("rawkv-ctl.1", ManPage());
  const Words warnings =
      Run("{ mandoc -T lint -W warning " + page + " || true; } | { grep -v 'missing date' || true; }");
  EXPECT_EQ(warnings, Words());
}

TEST(ManualPage, HasEachCommandWithItsFlags) {
  std::string page = ManPage();
  for (size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
  for (const Command& command : Commands()) {
    const size_t begin = page.find(".SS \"" + std::string(command.name));
    ASSERT_NE(begin, std::string::npos) << command.name;
    const std::string section = page.substr(begin, page.find("\n.S", begin) - begin);
    for (const std::string& flag : FlagsOf(command)) {
      EXPECT_NE(section.find("\\fB--" + flag + "\\fR"), std::string::npos) << command.name << " --" << flag;
    }
  }
}

TEST(Documentation, PageHasEveryCommandAndItsFlags) {
  const Result<std::string> page =
      ReadFile(PosixFs(), std::string(RAWKV_SOURCE_DIR) + "/docs/cli.md", 1 << 20);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  for (const Command& command : Commands()) {
    const std::string heading = "\n### " + std::string(command.name) + "\n";
    const size_t begin = page->find(heading);
    ASSERT_NE(begin, std::string::npos) << command.name;
    const std::string section = page->substr(begin, page->find("\n### ", begin + 1) - begin);
    EXPECT_NE(section.find(command.example), std::string::npos)
        << command.name << ": the example of its help is missing";
    for (const std::string_view flag : command.flags) {
      EXPECT_TRUE(section.find("--" + std::string(flag)) != std::string::npos ||
                  section.find("[open flags]") != std::string::npos ||
                  section.find("[device flags]") != std::string::npos ||
                  section.find("[format flags]") != std::string::npos)
          << command.name << " --" << flag;
    }
  }
}

}  // namespace
}  // namespace rawkv::ctl
