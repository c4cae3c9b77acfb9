#include "tools/cli/text_format.h"

#include <gtest/gtest.h>

namespace rawkv::ctl {
namespace {

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
