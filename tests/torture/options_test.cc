#include "tools/torture/options.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace rawkv::torture {
namespace {

Result<Options> Parse(const std::vector<std::string>& args) {
  const gflags::FlagSaver saver;  // gflags keeps values in globals
  return ParseOptions(args);
}

Options Parsed(const std::string& command) {
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  arguments.erase(arguments.begin());  // the program's name
  const Result<Options> options = Parse(arguments);
  EXPECT_TRUE(options.ok()) << options.status().ToString();
  return options.ok() ? *options : Options();
}

std::string Refusal(const std::vector<std::string>& args) {
  const Result<Options> options = Parse(args);
  EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument);
  return options.status().message();
}

TEST(Options, RunEndsAfterTenMinutesUnlessAnEndIsGiven) {
  EXPECT_EQ(Parse({})->minutes, 10u);
  EXPECT_EQ(Parse({"--kills", "3"})->minutes, std::nullopt);
  EXPECT_EQ(Parse({"--minutes=2", "--kills=3"})->minutes, 2u);
}

TEST(Options, BothAndAnyLeaveTheChoiceOpen) {
  EXPECT_FALSE(Parse({"--durability=both"})->durability);
  EXPECT_FALSE(Parse({"--engine=any"})->engine);
  EXPECT_EQ(Parse({"--engine=auto"})->engine, IoEngine::kAuto);
}

TEST(Options, InvalidOnesAreRefusedByName) {
  EXPECT_EQ(Refusal({"--kils=1"}), "unknown flag --kils; did you mean 'kills'?");
  EXPECT_EQ(Refusal({"--kills"}), "--kills needs a value (--kills=…)");
  EXPECT_EQ(Refusal({"--kills=many"}), "--kills: 'many' is not a number (0 or more)");
  EXPECT_EQ(Refusal({"--durability=none"}), "--durability: 'none' is not synced, unsafe_unsynced or both");
  EXPECT_EQ(Refusal({"here"}), "unexpected argument here; see --help");
}

TEST(Options, UsageNamesEveryFlag) {
  EXPECT_TRUE(Parse({"--kils", "--help"})->help);
  EXPECT_NE(Usage().find("  --minutes=M "), std::string::npos) << Usage();
  EXPECT_NE(Usage().find("  --json "), std::string::npos) << Usage();
}

TEST(ReplayCommand, RepeatsEverySetting) {
  Options options;
  options.capacity = 64 << 20;
  options.durability = Durability::kUnsafeUnsynced;
  options.engine = IoEngine::kPosix;
  options.device = "/dev/loop7";
  const Options again = Parsed(ReplayCommand(options, {.seed = 9, .first_round = 40, .kills = 12}));
  EXPECT_EQ(again.seed, 9u);
  EXPECT_EQ(again.first_round, 40u);
  EXPECT_EQ(again.kills, 12u);
  EXPECT_FALSE(again.minutes);
  EXPECT_EQ(again.capacity, options.capacity);
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
