#include "tools/ctl/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/fs_ops.h"
#include "tests/support/temp_dir.h"

namespace rawkv::ctl {
namespace {

class ReplaceFileTest : public ::testing::Test {
 protected:
  std::string Content(const std::string& name) { return *ReadFile(PosixFs(), dir_.File(name), 1 << 20); }
  size_t Entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(dir_.path()), {}));
  }
  const TempDir dir_;
};

TEST_F(ReplaceFileTest, CreatesAndReplacesAndLeavesNoOtherFile) {
  ASSERT_TRUE(ReplaceFile(dir_.File("f"), "one").ok());
  EXPECT_EQ(Content("f"), "one");
  ASSERT_TRUE(ReplaceFile(dir_.File("f"), "").ok());
  EXPECT_EQ(Content("f"), "");
  EXPECT_EQ(Entries(), 1u);
}

TEST_F(ReplaceFileTest, ReplacesInOneStep) {
  ASSERT_TRUE(ReplaceFile(dir_.File("f"), "old").ok());
  std::ifstream reader(dir_.File("f"));
  ASSERT_TRUE(ReplaceFile(dir_.File("f"), "new").ok());
  std::string seen;
  reader >> seen;
  EXPECT_EQ(seen, "old") << "a process that had the file open keeps the complete old content";
}

TEST_F(ReplaceFileTest, FollowsASymlink) {
  ASSERT_TRUE(ReplaceFile(dir_.File("f"), "old").ok());
  std::filesystem::create_symlink("f", dir_.File("link"));
  ASSERT_TRUE(ReplaceFile(dir_.File("link"), "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(dir_.File("link")));
  EXPECT_EQ(Content("f"), "new");
}

TEST_F(ReplaceFileTest, WritesToADeviceInsteadOfReplacingIt) {
  EXPECT_TRUE(ReplaceFile("/dev/null", "x").ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_EQ(ReplaceFile("/dev/full", "x").code(), StatusCode::kNoSpace);
}

TEST_F(ReplaceFileTest, RefusesDirectoriesAndAbsentParents) {
  EXPECT_EQ(ReplaceFile(dir_.path(), "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReplaceFile(dir_.File("no/such/dir"), "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(ReplaceFileTest, NewFileMayLieBelowALinkedDirectory) {
  std::filesystem::create_directory(dir_.File("disk"));
  std::filesystem::create_symlink("disk", dir_.File("link"));
  const Status replaced = ReplaceFile(dir_.File("link/f"), "content");
  ASSERT_TRUE(replaced.ok()) << replaced.ToString();
  EXPECT_EQ(Content("disk/f"), "content");
}

}  // namespace
}  // namespace rawkv::ctl
