#include "tools/cli/text_format.h"

#include <gtest/gtest.h>

namespace rawkv::ctl {
namespace {

TEST(TextFormat, RecognizesUtf8) {
  for (const char* text : {"", "key", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
  for (const char* text : {"\xFF", "\x80", "\xC3", "\xC3(", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xF0\x9F\x98"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

TEST(TextFormat, EscapesKeysReversibly) {
  EXPECT_EQ(EscapeKey("plain/key"), "plain/key");
  EXPECT_EQ(EscapeKey("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(EscapeKey("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e");
  EXPECT_EQ(EscapeKey(std::string_view("\x00\x1b\xff\x7f", 4)), "\\x00\\x1b\\xff\\x7f");
  EXPECT_EQ(EscapeKey("\xC2\x9B"), "\\xc2\\x9b");  // some terminals execute it like ESC [
}

TEST(TextFormat, KeepsMessagesOnOneLine) {
  EXPECT_EQ(OneLine("C:\\x: no\nsuch\x1b[2J"), "C:\\x: no\\nsuch\\x1b[2J");
}

TEST(TextFormat, PrintsTimesInUtc) {
  EXPECT_EQ(UtcTime(0), "-");
  EXPECT_EQ(UtcTime(1700000000123), "2023-11-14T22:13:20Z");
}

TEST(TextFormat, CountsInSingularAndPlural) {
  EXPECT_EQ(Counted(0, "key"), "0 keys");
  EXPECT_EQ(Counted(1, "key"), "1 key");
  EXPECT_EQ(Counted(2, "key"), "2 keys");
}

}  // namespace
}  // namespace rawkv::ctl
