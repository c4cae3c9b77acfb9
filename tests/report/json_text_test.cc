#include "report/json_text.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

std::string KeyText(std::string_view bytes) {
  OrderedJson object;
  SetKey(object, "key", bytes);
  return JsonText(object);
}

TEST(JsonText, KeepsTheOrderOfFields) {
  EXPECT_EQ(JsonText({{"z", 1}, {"a", true}, {"m", nullptr}, {"s", -3}}),
            R"({"z":1,"a":true,"m":null,"s":-3})");
}

TEST(JsonText, WritesIntegersUpTo64Bits) {
  EXPECT_EQ(JsonText({{"n", VersionJson(Version(UINT64_MAX))}}), R"({"n":18446744073709551615})");
  EXPECT_EQ(JsonText({{"n", VersionJson(std::nullopt)}}), R"({"n":null})");
}

TEST(JsonText, IsValidForEveryKey) {
  EXPECT_EQ(KeyText("k\n\"\\"), R"({"key":"k\n\"\\"})");
  EXPECT_EQ(KeyText(std::string_view("\0", 1)), R"({"key":"\u0000"})");
  EXPECT_EQ(KeyText("\xFF"), R"({"key_b64":"/w=="})");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_TRUE(nlohmann::json::accept(KeyText(std::string(2, static_cast<char>(byte))))) << byte;
  }
}

TEST(JsonText, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(JsonText({{"path", "/tmp/\xFF\xFE"}}), "{\"path\":\"/tmp/\uFFFD\uFFFD\"}");
}

}  // namespace
}  // namespace rawkv
