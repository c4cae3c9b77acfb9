#include "base/logger.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace rawkv {
namespace {

TEST(StderrLogger, WritesOneLinePerWarningOrErrorAndNoneForInfo) {
  testing::internal::CaptureStderr();
  StderrLogger().Log(LogLevel::kInfo, "quiet");
  StderrLogger().Log(LogLevel::kWarning, "tail cut");
  StderrLogger().Log(LogLevel::kError, "sync failed");
  NullLogger().Log(LogLevel::kError, "dropped");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "rawkv: warning: tail cut\nrawkv: error: sync failed\n");
}

TEST(StderrLogger, ControlBytesCannotForgeALine) {
  testing::internal::CaptureStderr();
  StderrLogger().Log(LogLevel::kError, "key a\nrawkv: all is well\x1b[2J");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "rawkv: error: key a?rawkv: all is well?[2J\n");
}

TEST(SystemClock, WallTimeIsThisCenturyAndMonotonicTimeDoesNotGoBack) {
  EXPECT_GT(SystemClock().NowUnixMs(), 1'600'000'000'000u);
  EXPECT_LT(SystemClock().NowUnixMs(), 4'102'444'800'000u);
  const uint64_t before = SystemClock().MonotonicNs();
  EXPECT_GE(SystemClock().MonotonicNs(), before);
}

}  // namespace
}  // namespace rawkv
