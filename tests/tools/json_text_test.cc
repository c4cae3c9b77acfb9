#include "tools/cli/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rawkv::ctl {
namespace {

TEST(JsonText, KeepsTheOrderOfFields) {
  EXPECT_EQ(JsonObject().Number("z", 1).Bool("a", true).Null("m").Signed("s", -3).text(),
            R"({"z":1,"a":true,"m":null,"s":-3})");
  EXPECT_EQ(JsonObject().text(), "{}");
  EXPECT_EQ(JsonArray().text(), "[]");
  EXPECT_EQ(JsonArray().Number(1).Text("x").Raw("{}").text(), R"([1,"x",{}])");
}

TEST(JsonText, WritesIntegersUpTo64Bits) {
  const auto parsed = nlohmann::json::parse(JsonObject().Number("n", UINT64_MAX).text());
  EXPECT_EQ(parsed["n"].get<uint64_t>(), UINT64_MAX);
}

TEST(JsonText, IsValidForEveryKey) {
  EXPECT_EQ(JsonObject().Key("key", "k\n\"\\").text(), R"({"key":"k\n\"\\"})");
  EXPECT_EQ(JsonObject().Key("key", std::string_view("\0", 1)).text(), R"({"key":"\u0000"})");
  EXPECT_EQ(JsonObject().Key("key", "\xFF").text(), R"({"key_b64":"/w=="})");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string key(2, static_cast<char>(byte));
    EXPECT_TRUE(nlohmann::json::accept(JsonObject().Key("key", key).text())) << byte;
  }
}

TEST(JsonText, IsValidForTextThatIsNotUtf8) {
  EXPECT_TRUE(nlohmann::json::accept(JsonObject().Text("path", "/tmp/\xFF\xFE").text()));
  EXPECT_EQ(JsonTexts(std::vector<std::string>{"a", "b"}), R"(["a","b"])");
}

}  // namespace
}  // namespace rawkv::ctl
