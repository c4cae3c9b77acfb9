#include "tools/ctl/change_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace rawkv::ctl {
namespace {

ChangeLine Parsed(const std::string& text) {
  Result<ChangeLine> line = ParseChangeLine(text);
  EXPECT_TRUE(line.ok()) << text << ": " << line.status().ToString();
  return line.ok() ? std::move(line).value() : ChangeLine();
}

std::string Refusal(const std::string& text) {
  const Result<ChangeLine> line = ParseChangeLine(text);
  EXPECT_EQ(line.status().code(), StatusCode::kInvalidArgument) << text;
  return line.status().message();
}

TEST(ChangeLine, ParsesEveryKindOfKeyAndValue) {
  const TempDir dir;
  std::ofstream(dir.File("value")) << "from file";
  const ChangeLine line =
      Parsed(R"({"version":7,"put":[{"key":"a","value":"v"},{"key":"b","value_b64":"AP8="},)"
             R"({"key_b64":"/w==","value_file":")" +
             dir.File("value") + R"("}],"delete":["c",{"key_b64":"/g=="},{"key":"d"}],"metadata":"block"})");
  EXPECT_EQ(line.version, Version(7));
  ASSERT_EQ(line.puts.size(), 3u);
  EXPECT_EQ(line.puts[0], std::pair(std::string("a"), std::string("v")));
  EXPECT_EQ(line.puts[1], std::pair(std::string("b"), std::string("\0\xFF", 2)));
  EXPECT_EQ(line.puts[2], std::pair(std::string("\xFF"), std::string("from file")));
  EXPECT_EQ(line.deletes, (std::vector<std::string>{"c", "\xFE", "d"}));
  EXPECT_EQ(line.metadata, "block");
  EXPECT_EQ(line.ToBatch().size(), 6u);
  EXPECT_EQ(line.ToBatch().metadata(), "block");
}

// The least processor time of three runs that parse a line of `puts` puts.
double SecondsToParse(int puts) {
  std::string text = R"({"put":[)";
  for (int i = 0; i < puts; ++i) {
    text += (i == 0 ? R"({"key":"k)" : R"(,{"key":"k)") + std::to_string(i) + R"(","value":"v"})";
  }
  text += "]}";
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const std::clock_t begin = std::clock();
    EXPECT_EQ(Parsed(text).puts.size(), static_cast<size_t>(puts));
    least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return least;
}

TEST(ChangeLine, ParseTimeIsLinearInTheNumberOfKeys) {
  // Ten times the keys take about ten times the time; quadratic parsing would take a hundred times.
  const double few = std::max(SecondsToParse(3'000), 0.001);
  EXPECT_LT(SecondsToParse(30'000), 40 * few);
}

TEST(ChangeLine, ParsesAnEmptyChangeSet) {
  for (const char* text : {"{}", " { } ", R"({"put":[],"delete":[]})", "{}\r"}) {
    EXPECT_TRUE(Parsed(text).ToBatch().empty()) << text;
  }
}

TEST(ChangeLine, ParsesEmptyAndBinaryText) {
  EXPECT_EQ(Parsed(R"({"put":[{"key":"k","value":""}]})").puts[0].second, "");
  EXPECT_EQ(Parsed(R"({"put":[{"key":"\u0000","value":"\u00e9"}]})").puts[0],
            std::pair(std::string("\0", 1), std::string("\xC3\xA9")));
  EXPECT_EQ(Parsed(R"({"metadata_b64":"/w=="})").metadata, "\xFF");
}

TEST(ChangeLine, RefusesBadJson) {
  for (const char* text :
       {"{", "x", "[]", "1", "\"{}\"", "{} {}", "{,}", R"({"put":[})", "{'put':[]}",
        "{\"put\":[{\"key\":\"\xFF\",\"value\":\"v\"}]}", R"({"put":[{"key":"\ud800","value":""}]})"}) {
    EXPECT_FALSE(ParseChangeLine(text).ok()) << text;
  }
  EXPECT_EQ(Refusal("{\"put\":[}").substr(0, 19), "bad JSON at byte 9:");
}

TEST(ChangeLine, RefusesUnknownFields) {
  EXPECT_EQ(Refusal(R"({"puts":[]})"), "unknown field 'puts' in the change set");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":"v","ttl":1}]})"), "unknown field 'ttl' in 'put'");
  EXPECT_EQ(Refusal(R"({"delete":[{"key":"k","value":"v"}]})"), "unknown field 'value' in 'delete'");
}

TEST(ChangeLine, RefusesARepeatedField) {
  EXPECT_EQ(Refusal(R"({"put":[],"put":[]})"), "field 'put' occurs twice in one object");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"a","key":"b","value":""}]})"),
            "field 'key' occurs twice in one object");
  EXPECT_TRUE(ParseChangeLine(R"({"put":[{"key":"a","value":""},{"key":"b","value":""}]})").ok());
}

TEST(ChangeLine, RefusesARepeatedKey) {
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":"1"},{"key":"k","value":"2"}]})"),
            "key 'k' occurs twice in one line");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":"1"}],"delete":["k"]})"),
            "key 'k' occurs twice in one line");
  EXPECT_EQ(Refusal(R"({"delete":["k",{"key_b64":"aw=="}]})"), "key 'k' occurs twice in one line");
}

TEST(ChangeLine, RefusesTwoKindsOfValueOrNone) {
  const std::string needs = "key 'k' needs one of 'value', 'value_b64' and 'value_file'";
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k"}]})"), needs);
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":"v","value_file":"f"}]})"), needs);
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":"v","value_b64":""}]})"),
            "give either 'value' or 'value_b64'");
}

TEST(ChangeLine, RefusesTwoKindsOfKeyOrNone) {
  EXPECT_EQ(Refusal(R"({"put":[{"value":"v"}]})"), "a 'key' or 'key_b64' is missing");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"a","key_b64":"YQ==","value":"v"}]})"),
            "give either 'key' or 'key_b64'");
  EXPECT_EQ(Refusal(R"({"delete":[{}]})"), "a 'key' or 'key_b64' is missing");
  EXPECT_EQ(Refusal(R"({"delete":[""]})"), "a key must have at least one byte");
}

TEST(ChangeLine, RefusesWrongTypes) {
  EXPECT_EQ(Refusal(R"({"version":"7"})"), "'version' must be an integer, 0 or more");
  EXPECT_EQ(Refusal(R"({"version":-1})"), "'version' must be an integer, 0 or more");
  EXPECT_EQ(Refusal(R"({"version":7.0})"), "'version' must be an integer, 0 or more");
  EXPECT_EQ(Refusal(R"({"version":null})"), "'version' must be an integer, 0 or more");
  EXPECT_EQ(Refusal(R"({"put":{}})"), "'put' must be an array");
  EXPECT_EQ(Refusal(R"({"put":["k"]})"), "an element of 'put' must be an object");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value":1}]})"), "'value' must be a string");
  EXPECT_EQ(Refusal(R"({"delete":[1]})"), "'delete' must be a string");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value_b64":"x"}]})").substr(0, 24), "'value_b64': not base64 ");
}

TEST(ChangeLine, RefusesAValueFileThatCannotBeRead) {
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value_file":"/no/such/file"}]})"),
            "value_file: /no/such/file: cannot be read: No such file or directory");
  EXPECT_EQ(Refusal(R"({"put":[{"key":"k","value_file":"/"}]})"),
            "value_file: /: cannot be read: Is a directory");
}

TEST(ChangeLine, RefusesDeepNestingWithoutCrashing) {
  EXPECT_FALSE(ParseChangeLine(std::string(1'000'000, '[')).ok());
  const std::string deep = R"({"put":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_FALSE(ParseChangeLine(deep).ok());
}

TEST(ChangeLine, RecognizesBlankLines) {
  EXPECT_TRUE(IsBlankLine(""));
  EXPECT_TRUE(IsBlankLine(" \t\r"));
  EXPECT_FALSE(IsBlankLine("{}"));
}

}  // namespace
}  // namespace rawkv::ctl
