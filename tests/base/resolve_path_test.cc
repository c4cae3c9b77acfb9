#include "base/resolve_path.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/base/file_text.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

namespace stdfs = std::filesystem;

class ResolvePathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    stdfs::create_directories(root_ + "/disk/sub");
    stdfs::create_symlink("disk/sub", root_ + "/link");
    stdfs::create_symlink(root_ + "/disk", root_ + "/absolute");
    Spit(root_ + "/file", "");
  }
  std::string Resolve(const std::string& below) { return ResolvePath(PosixFs(), root_ + "/" + below); }

  const TempDir dir_;
  const std::string root_ = stdfs::canonical(dir_.path()).string();
};

TEST_F(ResolvePathTest, ExistingPathsResolveAsByRealpath) {
  for (const char* path : {"disk", "link", "link/..", "link/../sub", "absolute/sub/../..", "disk//./sub/",
                           "link/../../link/../sub/.", "file"}) {
    EXPECT_EQ(Resolve(path), stdfs::canonical(root_ + "/" + path).string()) << path;
  }
}

TEST_F(ResolvePathTest, DotDotAfterALinkIsTheParentOfTheLinksTarget) {
  EXPECT_EQ(Resolve("link/../new"), root_ + "/disk/new");
  EXPECT_EQ(Resolve("link/../../new"), root_ + "/new");
  EXPECT_EQ(ResolvePath(PosixFs(), "/../.."), "/");
}

TEST_F(ResolvePathTest, MissingPartOfAPathStaysUnresolved) {
  EXPECT_EQ(Resolve("absent/../disk"), root_ + "/absent/../disk");
  EXPECT_EQ(Resolve("file/../disk"), root_ + "/file/../disk");
  EXPECT_EQ(Resolve("link/absent/x"), root_ + "/disk/sub/absent/x");
}

TEST_F(ResolvePathTest, DanglingLinkResolvesToItsTargetsName) {
  stdfs::create_symlink("disk/later", root_ + "/dangling");
  EXPECT_EQ(Resolve("dangling"), root_ + "/disk/later");
}

TEST_F(ResolvePathTest, LoopOfLinksEndsAndStaysALink) {
  stdfs::create_symlink("b", root_ + "/a");
  stdfs::create_symlink("a", root_ + "/b");
  EXPECT_EQ(PosixFs().Stat(Resolve("a/x")).status().code(), StatusCode::kIoError);
}

TEST_F(ResolvePathTest, RelativePathsBeginAtTheWorkingDirectory) {
  const std::string here = stdfs::current_path().string();
  EXPECT_EQ(AbsolutePath("x/../y"), here + "/x/../y") << "AbsolutePath keeps \"..\"";
  EXPECT_EQ(AbsolutePath("/x//"), "/x");
  EXPECT_EQ(AbsolutePath("/"), "/");
  EXPECT_EQ(ResolvePath(PosixFs(), "."), stdfs::canonical(here).string());
}

}  // namespace
}  // namespace rawkv
