#include "tools/ctl/line_completion.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

using Words = std::vector<std::string>;

TEST(LineCompletion, OffersCommands) {
  EXPECT_EQ(CompleteWords({{}, "sn"}), Words{"snapshot"});
  EXPECT_EQ(CompleteWords({{"snapshot"}, "p"}), (Words{"pin", "prune"}));
  EXPECT_EQ(CompleteWords({{"help", "wal"}, ""}), (Words{"dump", "list", "verify"}));
  EXPECT_EQ(CompleteWords({{}, ""}).size(), CommandWords().size());
  EXPECT_EQ(CompleteWords({{"completion"}, ""}), (Words{"bash", "fish", "zsh"}));
  EXPECT_EQ(CompleteWords({{"nonsense"}, ""}), Words());
}

TEST(LineCompletion, OffersTheFlagsOfTheCommandAndTheirValues) {
  EXPECT_EQ(CompleteWords({{"get"}, "--ver"}), Words{"--version="});
  EXPECT_EQ(CompleteWords({{"snapshot", "pin"}, "--n"}), Words{"--name="});
  EXPECT_EQ(CompleteWords({{"get", "k"}, "--js"}), Words{"--json"});
  EXPECT_EQ(CompleteWords({{"stats"}, "--w"}), (Words{"--wait=", "--wal_segment_bytes=", "--watch"}));
  EXPECT_EQ(CompleteWords({{"put"}, "--engine=i"}), Words{"--engine=io_uring"});
  EXPECT_EQ(CompleteWords({{}, "--"}), Words());
  for (const Command& command : Commands()) {
    const size_t space = command.name.find(' ');
    Words words = {std::string(command.name.substr(0, space))};
    if (space != std::string_view::npos) words.emplace_back(command.name.substr(space + 1));
    EXPECT_EQ(CompleteWords({words, "--"}).size(), FlagsOf(command).size() + 1) << command.name;
  }
}

TEST(LineCompletion, KnowsWhereAKeyStands) {
  EXPECT_TRUE(TakesKey({{"get"}, ""}));
  EXPECT_TRUE(TakesKey({{"get", "a"}, "b"}));
  EXPECT_TRUE(TakesKey({{"put"}, "b"}));
  EXPECT_TRUE(TakesKey({{"del"}, "b"}));
  EXPECT_FALSE(TakesKey({{"put", "k"}, "v"}));
  EXPECT_FALSE(TakesKey({{"get"}, "--"}));
  EXPECT_FALSE(TakesKey({{"apply"}, ""}));
  EXPECT_FALSE(TakesKey({{}, "k"}));
}

}  // namespace
}  // namespace rawkv::ctl
