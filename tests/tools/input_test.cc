#include "tools/cli/input.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace rawkv::ctl {
namespace {

class LineReaderTest : public ::testing::Test {
 protected:
  std::vector<std::string> LinesOf(const std::string& content) {
    std::ofstream(dir_.File("lines"), std::ios::binary) << content;
    Result<Input> input = Input::Open(dir_.File("lines"));
    EXPECT_TRUE(input.ok());
    LineReader reader(std::move(input).value());
    std::vector<std::string> lines;
    for (;;) {
      const auto line = reader.Next();
      EXPECT_TRUE(line.ok());
      if (!line.ok() || !line->has_value()) return lines;
      lines.emplace_back(**line);
      EXPECT_EQ(reader.Place(), dir_.File("lines") + ": line " + std::to_string(lines.size()));
    }
  }

  const TempDir dir_;
};

TEST_F(LineReaderTest, ReturnsLinesInOrderAndCountsThem) {
  EXPECT_EQ(LinesOf("a\n\nbc\n"), (std::vector<std::string>{"a", "", "bc"}));
}

TEST_F(LineReaderTest, CountsALastLineWithoutNewline) {
  EXPECT_EQ(LinesOf("a\nb"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(LinesOf("a"), std::vector<std::string>{"a"});
}

TEST_F(LineReaderTest, ReturnsNoLineOfAnEmptyFile) {
  EXPECT_TRUE(LinesOf("").empty());
}

TEST_F(LineReaderTest, KeepsNulBytes) {
  const std::string line("a\0b", 3);
  EXPECT_EQ(LinesOf(line + "\n"), std::vector<std::string>{line});
}

TEST_F(LineReaderTest, ReturnsLinesLongerThanOneRead) {
  const std::string longest(1 << 20, 'x');
  const std::string edge((64 << 10) - 1, 'y');  // newline at the very end of a read
  EXPECT_EQ(LinesOf(edge + "\n" + longest + "\nend"), (std::vector<std::string>{edge, longest, "end"}));
}

TEST(Input, RefusesFilesThatCannotBeRead) {
  EXPECT_EQ(Input::Open("/no/such/file").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadValueFile("/").status().code(), StatusCode::kInvalidArgument);
}

TEST(Input, ReadsAWholeValue) {
  const TempDir dir;
  const std::string value(200'000, '\xFE');
  std::ofstream(dir.File("value"), std::ios::binary) << value;
  std::ofstream(dir.File("empty"), std::ios::binary).close();
  EXPECT_EQ(*ReadValueFile(dir.File("value")), value);
  EXPECT_EQ(*ReadValueFile(dir.File("empty")), "");
}

}  // namespace
}  // namespace rawkv::ctl
