#include "tools/ctl/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/fs_ops.h"
#include "base/unique_fd.h"
#include "tests/support/temp_dir.h"
#include "tools/cli/progress.h"

namespace rawkv::ctl {
namespace {

TEST(Output, WritesEverythingInOrder) {
  const TempDir dir;
  const std::string path = dir.File("out");
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  Output out(fd.get());
  const std::string large(300'000, 'x');
  ASSERT_TRUE(out.Line("first").ok());
  ASSERT_TRUE(out.Write(large).ok());
  ASSERT_TRUE(out.Line("").ok());
  ASSERT_TRUE(out.Flush().ok());
  EXPECT_EQ(*ReadFile(PosixFs(), path, 1 << 20), "first\n" + large + "\n");
}

TEST(Output, ReportsAFullDeviceOnEveryLaterCall) {
  const UniqueFd fd(::open("/dev/full", O_WRONLY));
  Output out(fd.get());
  EXPECT_TRUE(out.Line("x").ok());
  EXPECT_EQ(out.Flush().code(), StatusCode::kIoError);
  EXPECT_EQ(out.Line("y").code(), StatusCode::kIoError) << "later calls return the error too";
}

TEST(Output, ReportsAClosedPipe) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd writer(ends[1]);
  ::close(ends[0]);
  Output out(writer.get());
  EXPECT_TRUE(out.Line("x").ok());
  EXPECT_EQ(out.Flush().code(), StatusCode::kIoError);
}

TEST(ProgressLine, IsSilentWithoutATerminal) {
  const TempDir dir;
  const UniqueFd fd(::open(dir.File("err").c_str(), O_WRONLY | O_CREAT, 0600));
  ProgressLine line(fd.get());
  EXPECT_FALSE(static_cast<bool>(line.Callback()));
  line.Wipe();
  EXPECT_EQ(*ReadFile(PosixFs(), dir.File("err"), 100), "");
}

TEST(ProgressLine, DescribesDoneAndTotal) {
  EXPECT_EQ(DescribeProgress({.what = "replay", .done = 120, .total = 4000}), "replay: 120 of 4000 (3%)");
  EXPECT_EQ(DescribeProgress({.what = "import", .done = 5, .total = 0}), "import: 5");
}

}  // namespace
}  // namespace rawkv::ctl
