#include "tools/ctl/flags.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

class FlagsTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("RAWKV_STORE"); }

  static std::string Refusal(const std::string& name, const std::string& value) {
    const gflags::FlagSaver saver;
    const Result<Flags> flags = ReadFlags({{name, value}});
    EXPECT_EQ(flags.status().code(), StatusCode::kInvalidArgument) << name << '=' << value;
    return flags.status().message();
  }

 private:
  const gflags::FlagSaver saver_;
};

TEST_F(FlagsTest, FlagsAreAbsentUnlessGiven) {
  const Result<Flags> flags = ReadFlags({});
  ASSERT_TRUE(flags.ok());
  EXPECT_FALSE(flags->store.has_value());
  EXPECT_FALSE(flags->json);
  EXPECT_EQ(flags->engine, IoEngine::kAuto);
  EXPECT_FALSE(flags->version.has_value());
  EXPECT_FALSE(flags->settings.durability.has_value());
  EXPECT_FALSE(flags->prefix.has_value());
}

TEST_F(FlagsTest, FlagsAreParsedByType) {
  const Result<Flags> flags = ReadFlags({{"store", "S"},
                                         {"json", "true"},
                                         {"version", "18446744073709551615"},
                                         {"capacity", "1GiB"},
                                         {"engine", "posix"},
                                         {"durability", "unsafe_unsynced"},
                                         {"key_b64", "/w=="},
                                         {"prefix", ""},
                                         {"keep", "0"}});
  ASSERT_TRUE(flags.ok()) << flags.status().ToString();
  EXPECT_EQ(flags->store, "S");
  EXPECT_TRUE(flags->json);
  EXPECT_EQ(flags->version, Version(UINT64_MAX));
  EXPECT_EQ(flags->capacity, 1u << 30);
  EXPECT_EQ(flags->engine, IoEngine::kPosix);
  EXPECT_EQ(flags->settings.durability, Durability::kUnsafeUnsynced);
  EXPECT_EQ(flags->key_b64, "\xFF");
  EXPECT_EQ(flags->prefix, "");
  EXPECT_EQ(flags->keep, 0u);
}

TEST_F(FlagsTest, LastValueWins) {
  const Result<Flags> flags =
      ReadFlags({{"limit", "3"}, {"limit", "4"}, {"json", "true"}, {"json", "false"}});
  ASSERT_TRUE(flags.ok());
  EXPECT_EQ(flags->limit, 4u);
  EXPECT_FALSE(flags->json);
}

TEST_F(FlagsTest, BadValuesAreRefusedWithoutEndingTheProcess) {
  EXPECT_EQ(Refusal("version", "seven"), "--version: 'seven' is not a number (0 or more)");
  EXPECT_EQ(Refusal("version", "-1"), "--version: '-1' is not a number (0 or more)");
  EXPECT_EQ(Refusal("version", ""), "--version: '' is not a number (0 or more)");
  EXPECT_EQ(Refusal("version", "18446744073709551616"),
            "--version: '18446744073709551616' is not a number (0 or more)");
  EXPECT_EQ(Refusal("json", "maybe"), "--json: 'maybe' is not true or false");
  EXPECT_EQ(Refusal("engine", "spdk"), "--engine: 'spdk' is not auto, posix, io_uring or nvme");
  EXPECT_EQ(Refusal("durability", ""), "--durability: '' is not synced or unsafe_unsynced");
  EXPECT_NE(Refusal("capacity", "1GB").find("--capacity: '1GB' is not a number of bytes"), std::string::npos);
  EXPECT_NE(Refusal("key_b64", "***").find("--key_b64: not base64"), std::string::npos);
  EXPECT_EQ(Refusal("name", ""), "--name: needs a value");
  EXPECT_EQ(Refusal("flagfile", "x"), "unknown flag --flagfile");
}

TEST_F(FlagsTest, TwoPrefixesAreRefused) {
  EXPECT_FALSE(ReadFlags({{"prefix", "a"}, {"prefix_b64", "Yg=="}}).ok());
}

TEST_F(FlagsTest, StoreComesFromTheEnvironment) {
  ::setenv("RAWKV_STORE", "/from/environment", 1);
  EXPECT_EQ(ReadFlags({})->store, "/from/environment");
  EXPECT_EQ(ReadFlags({{"store", "S"}})->store, "S");
}

TEST_F(FlagsTest, EmptyEnvironmentNamesNoStore) {
  ::setenv("RAWKV_STORE", "", 1);
  EXPECT_FALSE(ReadFlags({})->store.has_value());
}

TEST_F(FlagsTest, EmptyStoreDoesNotSelectTheEnvironmentsStore) {
  ::setenv("RAWKV_STORE", "/from/environment", 1);
  EXPECT_EQ(Refusal("store", ""), "--store: needs a value");
}

TEST_F(FlagsTest, EveryFlagHasADescription) {
  for (const Command& command : Commands()) {
    for (const std::string& name : FlagsOf(command)) {
      const auto flag = kFlagSet.Describe(name);
      ASSERT_TRUE(flag.has_value()) << name;
      EXPECT_FALSE(flag->help.empty()) << name;
    }
  }
}

TEST(Flags, PathsHaveSingleSlashes) {
  EXPECT_EQ(*PathValue("/a//b///c/"), "/a/b/c/");
  EXPECT_EQ(*DirValue("/a//b///c//"), "/a/b/c");
  EXPECT_EQ(*DirValue("//"), "/");
  EXPECT_EQ(*DirValue("a/../b/."), "a/../b/.") << "a link may stand before ..";
  EXPECT_EQ(DirValue("").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rawkv::ctl
