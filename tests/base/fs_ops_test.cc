#include "base/fs_ops.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/base/file_text.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

namespace stdfs = std::filesystem;
using Steps = std::vector<std::string>;

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// "sync a.tmp", "rename a.tmp -> a", …: last path components only.
Steps StepsOf(const FaultFs& fs) {
  Steps steps;
  for (const FsOperation& o : fs.trace()) {
    steps.push_back(o.name + " " + (o.from.empty() ? "" : BaseName(o.from) + " -> ") + BaseName(o.path));
  }
  return steps;
}

TEST(Paths, JoinPutsOneSlashBetween) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

TEST(Paths, ParentIsThePathWithoutItsLastComponent) {
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("/a/b"), "/a");
  EXPECT_EQ(ParentPath("a/b/"), "a");
  EXPECT_EQ(ParentPath("a//b"), "a");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("//a"), "/");
  EXPECT_EQ(ParentPath("/"), "/");
  EXPECT_EQ(ParentPath("a"), ".");
  EXPECT_EQ(ParentPath(""), ".");
}

TEST(FsOps, AsideNamesAreNumberedAndRecognised) {
  const TempDir dir;
  const std::string path = dir / "snapshot-00000000000000000005";
  for (const char* suffix : {".damaged", ".damaged.1", ".damaged.2"}) {
    ASSERT_OK_AND_ASSIGN(const std::string aside, ChooseAsideName(PosixFs(), path));
    EXPECT_EQ(aside, path + suffix);
    EXPECT_TRUE(IsAsideName(BaseName(aside)));
    ASSERT_TRUE(PosixFs().MakeDir(aside).ok());
  }
  for (const char* name :
       {"PINS", ".damaged", "PINS.damaged.", "PINS.damaged.x", "PINS.damaged1", "damaged"}) {
    EXPECT_FALSE(IsAsideName(name)) << name;
  }
}

TEST(FsOps, ExistsDistinguishesAbsentFromUnreadable) {
  const TempDir dir;
  Spit(dir / "f", "");
  stdfs::create_symlink("nowhere", dir / "dangling");
  EXPECT_TRUE(*Exists(PosixFs(), dir / "f"));
  EXPECT_TRUE(*Exists(PosixFs(), dir / "dangling")) << "the link itself exists";
  EXPECT_FALSE(*Exists(PosixFs(), dir / "absent"));
  EXPECT_FALSE(*Exists(PosixFs(), dir / "f/below")) << "a path below a file does not exist";
  EXPECT_FALSE(Exists(PosixFs(), dir / std::string(300, 'n')).ok()) << "a name that is too long";
}

TEST(ReadFile, ReturnsAllUpToTheLimitAndRefusesMore) {
  const TempDir dir;
  Spit(dir / "f", "12345");
  EXPECT_EQ(*ReadFile(PosixFs(), dir / "f", 5), "12345");
  EXPECT_EQ(ReadFile(PosixFs(), dir / "f", 4).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ReadFile(PosixFs(), dir / "absent", 5).status().code(), StatusCode::kNotFound);
  Spit(dir / "empty", "");
  EXPECT_EQ(*ReadFile(PosixFs(), dir / "empty", 0), "");
}

TEST(ReadFile, HugeFileIsRefusedBeforeItIsRead) {
  const TempDir dir;
  Spit(dir / "f", "");
  stdfs::resize_file(dir / "f", 1ull << 40);
  EXPECT_EQ(ReadFile(PosixFs(), dir / "f", 1 << 20).status().code(), StatusCode::kCorruption);
}

TEST(WriteFileAtomic, SyncsBeforeTheRenameAndTheDirectoryAfterIt) {
  const TempDir dir;
  FaultFs fs(PosixFs());
  ASSERT_TRUE(WriteFileAtomic(fs, dir / "f", AsBytes("new")).ok());
  EXPECT_EQ(StepsOf(fs), (Steps{"unlink f.tmp", "create f.tmp", "write f.tmp", "sync f.tmp",
                                "rename f.tmp -> f", "syncdir " + BaseName(dir.path())}));
  EXPECT_EQ(Slurp(dir / "f"), "new");
  EXPECT_FALSE(stdfs::exists(dir / "f.tmp"));
}

TEST(WriteFileAtomic, InterruptionLeavesTheWholeOldOrTheWholeNewFile) {
  const std::string old_content(1000, 'o');
  const std::string new_content(3000, 'n');
  bool finished = false;
  for (size_t healthy_steps = 0; !finished; ++healthy_steps) {
    SCOPED_TRACE(healthy_steps);
    ASSERT_LT(healthy_steps, 20u);
    const TempDir dir;
    Spit(dir / "f", old_content);
    FaultFs fs(PosixFs());
    fs.Arm({.skip = healthy_steps, .partial = true});
    finished = WriteFileAtomic(fs, dir / "f", AsBytes(new_content)).ok();
    const std::string found = Slurp(dir / "f");
    if (finished) {
      EXPECT_EQ(found, new_content);
    } else {
      EXPECT_TRUE(found == old_content || found == new_content) << found;
    }
    ASSERT_TRUE(WriteFileAtomic(PosixFs(), dir / "f", AsBytes("again")).ok()) << "a leftover is harmless";
    EXPECT_EQ(Slurp(dir / "f"), "again");
    EXPECT_EQ(*PosixFs().List(dir.path()), Steps{"f"});
  }
}

TEST(WriteFileAtomic, FailureFreesItsSpace) {
  const TempDir dir;
  stdfs::create_directories(dir / "f/not_empty");
  EXPECT_FALSE(WriteFileAtomic(PosixFs(), dir / "f", AsBytes("x")).ok());
  EXPECT_FALSE(stdfs::exists(dir / "f.tmp"));
}

TEST(WriteFileAtomic, DoesNotWriteThroughALeftoverLink) {
  const TempDir dir;
  Spit(dir / "precious", "precious");
  Spit(dir / "shared", "shared");
  stdfs::create_symlink("precious", dir / "f.tmp");
  ASSERT_TRUE(WriteFileAtomic(PosixFs(), dir / "f", AsBytes("new")).ok());
  stdfs::create_hard_link(dir / "shared", dir / "f.tmp");
  ASSERT_TRUE(WriteFileAtomic(PosixFs(), dir / "f", AsBytes("newer")).ok());
  EXPECT_EQ(Slurp(dir / "precious"), "precious");
  EXPECT_EQ(Slurp(dir / "shared"), "shared");
  EXPECT_EQ(Slurp(dir / "f"), "newer");
}

TEST(CopyFileSynced, CopiesEverySizeAndSyncsLast) {
  for (const size_t size : {0u, 1u, (1u << 20) - 1, 1u << 20, (1u << 20) + 1}) {
    const TempDir dir;
    const std::string content(size, 'c');
    Spit(dir / "a", content);
    FaultFs fs(PosixFs());
    ASSERT_TRUE(CopyFileSynced(fs, dir / "a", dir / "b", size).ok()) << size;
    EXPECT_EQ(Slurp(dir / "b"), content);
    EXPECT_EQ(StepsOf(fs).back(), "sync b");
  }
}

TEST(CopyFileSynced, RefusesLargeFilesAndExistingTargetsAndLeavesNoPartialCopy) {
  const TempDir dir;
  Spit(dir / "a", "12345");
  Spit(dir / "taken", "taken");
  EXPECT_EQ(CopyFileSynced(PosixFs(), dir / "a", dir / "b", 4).code(), StatusCode::kCorruption);
  EXPECT_FALSE(stdfs::exists(dir / "b"));
  EXPECT_EQ(CopyFileSynced(PosixFs(), dir / "a", dir / "taken", 5).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Slurp(dir / "taken"), "taken");
  EXPECT_EQ(CopyFileSynced(PosixFs(), dir / "absent", dir / "b", 5).code(), StatusCode::kNotFound);
  EXPECT_FALSE(stdfs::exists(dir / "b"));
}

TEST(RemoveTree, RemovesAllBelowAndFollowsNoLink) {
  const TempDir dir;
  stdfs::create_directories(dir / "outside/keep");
  Spit(dir / "outside/keep/f", "kept");
  stdfs::create_directories(dir / "tree/a/b/c");
  Spit(dir / "tree/f", "");
  Spit(dir / "tree/a/b/f", "");
  stdfs::create_symlink("../outside", dir / "tree/link");
  stdfs::create_symlink(dir / "outside/keep/f", dir / "tree/a/file_link");
  stdfs::create_symlink("nowhere", dir / "tree/a/b/dangling");
  ASSERT_TRUE(RemoveTree(PosixFs(), dir / "tree").ok());
  EXPECT_EQ(*PosixFs().List(dir.path()), Steps{"outside"});
  EXPECT_EQ(Slurp(dir / "outside/keep/f"), "kept");
}

TEST(RemoveTree, AbsentPathIsOkAndTopLevelLinkIsUnlinked) {
  const TempDir dir;
  EXPECT_TRUE(RemoveTree(PosixFs(), dir / "absent").ok());
  stdfs::create_directory(dir / "target");
  Spit(dir / "target/f", "");
  stdfs::create_directory_symlink("target", dir / "link");
  ASSERT_TRUE(RemoveTree(PosixFs(), dir / "link").ok());
  EXPECT_FALSE(stdfs::is_symlink(dir / "link"));
  EXPECT_TRUE(stdfs::exists(dir / "target/f"));
  ASSERT_TRUE(RemoveTree(PosixFs(), dir / "target/f").ok());
  EXPECT_FALSE(stdfs::exists(dir / "target/f"));
}

TEST(RemoveTree, DeepestPossibleTreeDoesNotExhaustTheStack) {
  const TempDir dir;
  const std::string top = dir / "deep";
  ASSERT_TRUE(PosixFs().MakeDir(top).ok());
  for (std::string path = top; path.size() + 2 < 4096;) {
    path += "/d";
    ASSERT_TRUE(PosixFs().MakeDir(path).ok());
  }
  EXPECT_TRUE(RemoveTree(PosixFs(), top).ok());
  EXPECT_FALSE(stdfs::exists(top));
}

TEST(SyncTree, SyncsEveryFileAndThenDirectoriesBottomUp) {
  const TempDir dir;
  stdfs::create_directories(dir / "tree/sub");
  Spit(dir / "tree/a", "");
  Spit(dir / "tree/sub/b", "");
  stdfs::create_symlink("nowhere", dir / "tree/dangling");
  FaultFs fs(PosixFs());
  ASSERT_TRUE(SyncTree(fs, dir / "tree").ok());
  EXPECT_EQ(StepsOf(fs), (Steps{"sync a", "sync b", "syncdir sub", "syncdir tree"}));
  EXPECT_EQ(SyncTree(PosixFs(), dir / "absent").code(), StatusCode::kNotFound);
}

TEST(SyncTree, FailedSyncIsReported) {
  const TempDir dir;
  stdfs::create_directory(dir / "tree");
  Spit(dir / "tree/a", "");
  for (size_t healthy_steps = 0; healthy_steps < 2; ++healthy_steps) {
    FaultFs fs(PosixFs());
    fs.Arm({.skip = healthy_steps});
    EXPECT_EQ(SyncTree(fs, dir / "tree").code(), StatusCode::kIoError);
  }
}

}  // namespace
}  // namespace rawkv
