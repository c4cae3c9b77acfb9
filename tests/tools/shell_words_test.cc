#include "tools/cli/shell_words.h"

#include <gtest/gtest.h>

#include "base/shell_word.h"

namespace rawkv::ctl {
namespace {

using Words = std::vector<std::string>;

Words Split(std::string_view line) {
  const Result<Words> words = SplitShellWords(line);
  EXPECT_TRUE(words.ok()) << line << ": " << words.status().ToString();
  return words.ok() ? *words : Words();
}

TEST(ShellWords, AreSplitAtBlanks) {
  EXPECT_EQ(Split("get  a\tb\r"), (Words{"get", "a", "b"}));
  EXPECT_EQ(Split("  \t"), Words());
  EXPECT_EQ(Split(""), Words());
}

TEST(ShellWords, KeepQuotedText) {
  EXPECT_EQ(Split(R"('a b' "c d" e\ f)"), (Words{"a b", "c d", "e f"}));
  EXPECT_EQ(Split(R"('' "" x'y'"z")"), (Words{"", "", "xyz"}));
  EXPECT_EQ(Split(R"('a\b' "a\b" "a\"b\\" 'it'\''s')"), (Words{R"(a\b)", R"(a\b)", R"(a"b\)", "it's"}));
  EXPECT_EQ(Split("'$x *' ~"), (Words{"$x *", "~"})) << "nothing is expanded";
}

TEST(ShellWords, EndAtAComment) {
  EXPECT_EQ(Split("get a # b"), (Words{"get", "a"}));
  EXPECT_EQ(Split("# get"), Words());
  EXPECT_EQ(Split("get a#b '#c'"), (Words{"get", "a#b", "#c"}));
}

TEST(ShellWords, RefuseOpenEnds) {
  for (const char* line : {"get 'a", "get \"a", "get a\\", "\"\\"}) {
    EXPECT_EQ(SplitShellWords(line).status().code(), StatusCode::kInvalidArgument) << line;
  }
}

TEST(ShellWords, InvertShellWord) {
  for (const std::string text : {"", "a b", "it's", "\\", "\"", "#", "\n", "\xff"}) {
    EXPECT_EQ(Split(ShellWord(text) + " " + ShellWord(text)), (Words{text, text}));
  }
}

}  // namespace
}  // namespace rawkv::ctl
