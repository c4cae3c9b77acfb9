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
  const Progress replay{.what = "replay", .done = 120, .total = 4000, .unit = "versions"};
  EXPECT_EQ(DescribeProgress(replay, {}), "replay: 120 of 4000 versions (3%)");
  EXPECT_EQ(DescribeProgress({.what = "import", .done = 5}, {}), "import: 5");
  EXPECT_EQ(DescribeProgress({.what = "scrub", .done = 3 << 20, .unit = "bytes"}, {.elapsed_ms = 5000}),
            "scrub: 3 MiB");
}

TEST(ProgressLine, EstimatesTheTimeLeft) {
  const auto after = [](uint64_t elapsed_ms, uint64_t done, uint64_t at_start = 0) {
    return DescribeProgress({.what = "apply", .done = done << 20, .total = 10 << 20, .unit = "bytes"},
                            {.elapsed_ms = elapsed_ms, .done = at_start << 20});
  };
  EXPECT_EQ(after(999, 5), "apply: 5 MiB of 10 MiB (50%)") << "too early to know";
  EXPECT_EQ(after(2000, 5), "apply: 5 MiB of 10 MiB (50%), 2 s left");
  EXPECT_EQ(after(1000, 1), "apply: 1 MiB of 10 MiB (10%), 9 s left");
  EXPECT_EQ(after(60'000, 1), "apply: 1 MiB of 10 MiB (10%), 9 min left");
  EXPECT_EQ(after(3'600'000, 1), "apply: 1 MiB of 10 MiB (10%), 9 h left");
  EXPECT_EQ(after(60'000, 0), "apply: 0 B of 10 MiB (0%)");
  EXPECT_EQ(after(10'000, 6, 5), "apply: 6 MiB of 10 MiB (60%), 40 s left") << "a resumed work";
  EXPECT_EQ(after(60'000, 12), "apply: 12 MiB of 10 MiB (100%), 0 s left") << "more than was expected";
}

}  // namespace
}  // namespace rawkv::ctl
