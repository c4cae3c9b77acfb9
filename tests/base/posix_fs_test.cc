#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/fs.h"
#include "tests/base/file_text.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

namespace stdfs = std::filesystem;

// Runs `body` in a forked child and returns its exit status; -1 if a signal ended the child.
int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

mode_t ModeOf(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
  return st.st_mode & 0777;
}

class PosixFsTest : public testing::Test {
 protected:
  std::unique_ptr<File> MustOpen(const std::string& path, OpenMode mode) {
    Result<std::unique_ptr<File>> file = fs_.Open(path, mode);
    EXPECT_OK(file);
    return file.ok() ? std::move(file).value() : nullptr;
  }
  std::string Contents(File& file, uint64_t offset, size_t length) {
    std::string out(length, '?');
    const Result<size_t> got = file.ReadAt(offset, AsWritableBytes(out));
    EXPECT_OK(got);
    out.resize(got.ok() ? *got : 0);
    return out;
  }

  const TempDir dir_;
  Fs& fs_ = PosixFs();
};

TEST_F(PosixFsTest, ReadReturnsWrittenBytesAndStopsAtTheEnd) {
  const auto file = MustOpen(dir_ / "f", OpenMode::kCreateNew);
  ASSERT_TRUE(file->WriteAt(3, AsBytes("hello")).ok());
  EXPECT_EQ(*file->Size(), 8u);
  EXPECT_EQ(Contents(*file, 0, 100), std::string("\0\0\0hello", 8));
  EXPECT_EQ(Contents(*file, 5, 2), "ll");
  EXPECT_EQ(Contents(*file, 8, 10), "");
  EXPECT_EQ(Contents(*file, 1 << 20, 10), "");
  EXPECT_TRUE(file->WriteAt(0, {}).ok());
  EXPECT_TRUE(file->Sync().ok());
}

TEST_F(PosixFsTest, TruncateCutsAndExtends) {
  const auto file = MustOpen(dir_ / "f", OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, AsBytes("hello")).ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Contents(*file, 0, 10), "he");
  ASSERT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(Contents(*file, 0, 10), std::string("he\0\0", 4));
}

TEST_F(PosixFsTest, ZeroFillWritesRealBlocksOverOldBytes) {
  const std::string path = dir_ / "f";
  const auto file = MustOpen(path, OpenMode::kCreate);
  const uint64_t length = (2 << 20) + 123;  // more than two of its own buffers
  ASSERT_TRUE(file->WriteAt(0, AsBytes(std::string(8192, 'x'))).ok());
  ASSERT_TRUE(file->ZeroFill(100, length).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(*file->Size(), 100 + length);
  EXPECT_EQ(Contents(*file, 0, 100), std::string(100, 'x'));
  EXPECT_EQ(Contents(*file, 100, length), std::string(length, '\0'));
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_GE(static_cast<uint64_t>(st.st_blocks) * 512, length) << "a hole would not reserve space";
}

TEST_F(PosixFsTest, OpenModesDecideWhatMustExist) {
  const std::string path = dir_ / "f";
  EXPECT_EQ(fs_.Open(path, OpenMode::kRead).status().ToString(),
            "not found: open " + path + ": No such file or directory");
  EXPECT_EQ(fs_.Open(path, OpenMode::kReadWrite).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(fs_.Open(path, OpenMode::kCreateNew).ok());
  EXPECT_EQ(fs_.Open(path, OpenMode::kCreateNew).status().code(), StatusCode::kFailedPrecondition);
  Spit(path, "kept");
  EXPECT_TRUE(fs_.Open(path, OpenMode::kCreate).ok());
  EXPECT_EQ(Slurp(path), "kept");
  const auto reader = MustOpen(path, OpenMode::kRead);
  EXPECT_EQ(reader->WriteAt(0, AsBytes("x")).code(), StatusCode::kIoError);
  EXPECT_TRUE(reader->Sync().ok()) << "snapshots sync files that they only read";
}

TEST_F(PosixFsTest, NewFilesAndDirectoriesArePrivate) {
  ASSERT_TRUE(fs_.Open(dir_ / "f", OpenMode::kCreate).ok());
  ASSERT_TRUE(fs_.MakeDir(dir_ / "d").ok());
  ASSERT_TRUE(fs_.Lock(dir_ / "LOCK").ok());
  EXPECT_EQ(ModeOf(dir_ / "f"), 0600u);
  EXPECT_EQ(ModeOf(dir_ / "d"), 0700u);
  EXPECT_EQ(ModeOf(dir_ / "LOCK"), 0600u);
}

TEST_F(PosixFsTest, NoSymlinkIsFollowed) {
  Spit(dir_ / "file", "secret");
  stdfs::create_directory(dir_ / "sub");
  ASSERT_TRUE(fs_.Symlink("file", dir_ / "to_file").ok());
  ASSERT_TRUE(fs_.Symlink("sub", dir_ / "to_dir").ok());
  for (const OpenMode mode :
       {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreate, OpenMode::kCreateNew}) {
    EXPECT_FALSE(fs_.Open(dir_ / "to_file", mode).ok());
  }
  EXPECT_NE(fs_.Open(dir_ / "to_file", OpenMode::kRead).status().message().find("symbolic link"),
            std::string::npos);
  EXPECT_FALSE(fs_.Lock(dir_ / "to_file").ok());
  EXPECT_FALSE(fs_.List(dir_ / "to_dir").ok());
  EXPECT_FALSE(fs_.SyncDir(dir_ / "to_dir").ok());
  EXPECT_EQ(fs_.Stat(dir_ / "to_file")->kind, FileKind::kSymlink);
  EXPECT_TRUE(fs_.RemoveFile(dir_ / "to_file").ok());
  EXPECT_EQ(Slurp(dir_ / "file"), "secret");
}

TEST_F(PosixFsTest, DirectoriesAndFifosDoNotOpenAsFiles) {
  EXPECT_EQ(fs_.Open(dir_.path(), OpenMode::kRead).status().code(), StatusCode::kIoError);
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(fs_.Open(dir_ / "fifo", OpenMode::kRead).status().code(), StatusCode::kIoError)
      << "and it must not wait for a writer";
}

TEST_F(PosixFsTest, StatReturnsKindAndSize) {
  Spit(dir_ / "f", "12345");
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(fs_.Stat(dir_ / "f")->kind, FileKind::kRegular);
  EXPECT_EQ(fs_.Stat(dir_ / "f")->size_bytes, 5u);
  EXPECT_EQ(fs_.Stat(dir_.path())->kind, FileKind::kDirectory);
  EXPECT_EQ(fs_.Stat(dir_ / "fifo")->kind, FileKind::kOther);
  EXPECT_EQ(fs_.Stat(dir_ / "absent").status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFsTest, ListIsSortedAndWithoutDots) {
  for (const char* name : {"b", "a", ".hidden", "c"}) Spit(dir_ / name, "");
  EXPECT_EQ(*fs_.List(dir_.path()), (std::vector<std::string>{".hidden", "a", "b", "c"}));
  EXPECT_EQ(fs_.List(dir_ / "absent").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_.List(dir_ / "a").status().code(), StatusCode::kIoError);
}

TEST_F(PosixFsTest, ExistingTargetIsAFailedPrecondition) {
  stdfs::create_directory(dir_ / "full");
  Spit(dir_ / "full/f", "");
  EXPECT_EQ(fs_.MakeDir(dir_ / "full").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs_.RemoveDir(dir_ / "full").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs_.Symlink("x", dir_ / "full").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs_.Link(dir_ / "full/f", dir_ / "full/f").code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(fs_.MakeDir(dir_ / "other").ok());
  EXPECT_EQ(fs_.Rename(dir_ / "other", dir_ / "full").code(), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFsTest, RenameReplacesAFileASymlinkOrAnEmptyDirectory) {
  Spit(dir_ / "new", "new");
  Spit(dir_ / "old", "old");
  ASSERT_TRUE(fs_.Rename(dir_ / "new", dir_ / "old").ok());
  EXPECT_EQ(Slurp(dir_ / "old"), "new");

  ASSERT_TRUE(fs_.Symlink("v1", dir_ / "current").ok());
  ASSERT_TRUE(fs_.Symlink("v2", dir_ / "current.tmp").ok());
  ASSERT_TRUE(fs_.Rename(dir_ / "current.tmp", dir_ / "current").ok());
  EXPECT_EQ(*fs_.ReadLink(dir_ / "current"), "v2");

  ASSERT_TRUE(fs_.MakeDir(dir_ / "d1").ok());
  ASSERT_TRUE(fs_.MakeDir(dir_ / "d2").ok());
  EXPECT_TRUE(fs_.Rename(dir_ / "d1", dir_ / "d2").ok());
  EXPECT_EQ(fs_.Rename(dir_ / "absent", dir_ / "x").code(), StatusCode::kNotFound);
}

TEST_F(PosixFsTest, HardLinksShareContentAndNameTheReasonWhenImpossible) {
  Spit(dir_ / "f", "x");
  ASSERT_TRUE(fs_.Link(dir_ / "f", dir_ / "g").ok());
  EXPECT_EQ(stdfs::hard_link_count(dir_ / "f"), 2u);
  const Status crossing = fs_.Link("/proc/self/status", dir_ / "h");
  EXPECT_STATUS(crossing, StatusCode::kNotSupported, "one filesystem");
}

TEST_F(PosixFsTest, ReadLinkReturnsTargetsOfAnyLength) {
  for (const size_t length : {1u, 255u, 256u, 257u, 4000u}) {
    const std::string target(length, 't');
    const std::string path = dir_ / ("link" + std::to_string(length));
    ASSERT_TRUE(fs_.Symlink(target, path).ok());
    EXPECT_EQ(*fs_.ReadLink(path), target);
  }
  EXPECT_EQ(fs_.ReadLink(dir_ / "absent").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_.ReadLink(dir_.path()).status().code(), StatusCode::kIoError);
}

TEST_F(PosixFsTest, FullDeviceIsNoSpace) {
  if (!stdfs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const auto file = MustOpen("/dev/full", OpenMode::kReadWrite);
  EXPECT_EQ(file->WriteAt(0, AsBytes("x")).code(), StatusCode::kNoSpace);
  EXPECT_EQ(file->ZeroFill(0, 10).code(), StatusCode::kNoSpace);
}

TEST_F(PosixFsTest, ImpossibleOffsetIsAnError) {
  const auto file = MustOpen(dir_ / "f", OpenMode::kCreate);
  std::string out(8, '\0');
  EXPECT_EQ(file->ReadAt(UINT64_MAX - 2, AsWritableBytes(out)).status().code(), StatusCode::kIoError);
  EXPECT_FALSE(file->WriteAt(UINT64_MAX - 2, AsBytes("x")).ok());
  EXPECT_FALSE(file->Truncate(UINT64_MAX).ok());
}

TEST_F(PosixFsTest, SyncDirAndSpaceWorkOnADirectory) {
  EXPECT_TRUE(fs_.SyncDir(dir_.path()).ok());
  EXPECT_EQ(fs_.SyncDir(dir_ / "absent").code(), StatusCode::kNotFound);
  ASSERT_OK_AND_ASSIGN(const FsSpace space, fs_.Space(dir_.path()));
  EXPECT_GT(space.free_bytes, 0u);
  EXPECT_GE(space.total_bytes, space.free_bytes);
  EXPECT_EQ(fs_.Space(dir_ / "absent").status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFsTest, LockExcludesAnotherOpenerInThisProcess) {
  auto held = fs_.Lock(dir_ / "LOCK");
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(fs_.Lock(dir_ / "LOCK").status().code(), StatusCode::kBusy);
  EXPECT_TRUE(fs_.Lock(dir_ / "OTHER").ok());
  held = Status::NotFound("released");
  EXPECT_TRUE(fs_.Lock(dir_ / "LOCK").ok());
}

TEST_F(PosixFsTest, LockExcludesAnotherProcess) {
  const std::string path = dir_ / "LOCK";
  const auto try_lock = [&] { return static_cast<int>(fs_.Lock(path).status().code()); };
  {
    const auto held = fs_.Lock(path);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(InChild(try_lock), static_cast<int>(StatusCode::kBusy));
  }
  EXPECT_EQ(InChild(try_lock), static_cast<int>(StatusCode::kOk));
}

TEST_F(PosixFsTest, ForkedChildCannotReleaseItsParentsLock) {
  const std::string path = dir_ / "LOCK";
  auto held = fs_.Lock(path);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(InChild([&] {
              held = Status::NotFound("destroyed in the child");
              return 0;
            }),
            0);
  EXPECT_EQ(fs_.Lock(path).status().code(), StatusCode::kBusy);
}

TEST_F(PosixFsTest, ForkedChildDoesNotKeepItsParentsLock) {
  const std::string path = dir_ / "LOCK";
  auto held = fs_.Lock(path);
  ASSERT_TRUE(held.ok());
  int released[2];
  ASSERT_EQ(::pipe(released), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(released[1]);
    ::_exit(::read(released[0], &byte, 1) == 0
                ? 0
                : 1);  // keeps its copy of the descriptor until the parent is done
  }
  held = Status::NotFound("released");
  EXPECT_TRUE(fs_.Lock(path).ok());
  ::close(released[1]);
  ::close(released[0]);
  ::waitpid(child, nullptr, 0);
}

TEST_F(PosixFsTest, LockDoesNotChangeTheFileContent) {
  Spit(dir_ / "LOCK", "pid 1 on host");
  const auto held = fs_.Lock(dir_ / "LOCK");
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(Slurp(dir_ / "LOCK"), "pid 1 on host");
  EXPECT_TRUE(fs_.Open(dir_ / "LOCK", OpenMode::kReadWrite).ok()) << "the holder writes its own name there";
}

}  // namespace
}  // namespace rawkv
