#include "base/shell_word.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace rawkv {
namespace {

// The word as a POSIX shell reads it.
std::string ReadByShell(const std::string& word) {
  const std::string command = "printf %s " + word;
  FILE* const pipe = ::popen(command.c_str(), "r");
  std::string read;
  std::array<char, 256> buffer{};
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    read.append(buffer.data(), got);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return read;
}

TEST(ShellWord, LeavesPlainTextAsItIs) {
  EXPECT_EQ(ShellWord("/var/lib/state-1.2"), "/var/lib/state-1.2");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(ShellWord, AShellReadsTheSameText) {
  for (const std::string text :
       {"/a b", "it's", "''", "$HOME", "`id`", "a\\b", "*", "~", "a;b&c|d", "\"x\"", "#", "ä", "!x"}) {
    EXPECT_EQ(ReadByShell(ShellWord(text)), text);
  }
}

}  // namespace
}  // namespace rawkv
