#include "tools/torture/options.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace rawkv::torture {
namespace {

Options Parsed(const std::string& command) {
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const Result<Options> options = ParseOptions(static_cast<int>(arguments.size()), pointers.data());
  EXPECT_TRUE(options.ok()) << options.status().ToString();
  return options.ok() ? *options : Options();
}

TEST(ReplayCommand, RepeatsEverySetting) {
  Options options;
  options.capacity_bytes = 64 << 20;
  options.durability = Durability::kUnsafeUnsynced;
  options.engine = IoEngine::kPosix;
  options.device = "/dev/loop7";
  const Options again = Parsed(ReplayCommand(options, {.seed = 9, .first_round = 40, .kills = 12}));
  EXPECT_EQ(again.seed, 9u);
  EXPECT_EQ(again.first_round, 40u);
  EXPECT_EQ(again.kills, 12u);
  EXPECT_FALSE(again.minutes);
  EXPECT_EQ(again.capacity_bytes, options.capacity_bytes);
  EXPECT_EQ(again.durability, options.durability);
  EXPECT_EQ(again.engine, options.engine);
  EXPECT_EQ(again.device, options.device);
  EXPECT_TRUE(again.yes);
}

TEST(ReplayCommand, OmitsSettingsThatWereNotGiven) {
  const Options again = Parsed(ReplayCommand({}, {.seed = 1, .first_round = 0, .kills = 3}));
  EXPECT_FALSE(again.durability);
  EXPECT_FALSE(again.engine);
  EXPECT_EQ(again.device, "");
  EXPECT_FALSE(again.yes);
}

}  // namespace
}  // namespace rawkv::torture
