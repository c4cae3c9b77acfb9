#include "blockdev/nvme_status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace rawkv {
namespace {

TEST(NvmeStatus, FieldsHaveTheirBits) {
  const NvmeStatus status(0x4281);
  EXPECT_EQ(status.code(), 0x81);
  EXPECT_EQ(status.type(), 2);
  EXPECT_TRUE(status.do_not_retry());
  EXPECT_FALSE(NvmeStatus(0x3fff).do_not_retry());
}

TEST(NvmeStatus, WordsNameKindTypeAndCode) {
  EXPECT_EQ(NvmeStatus(0x4080).ToString(),
            "NVMe status 0x4080: LBA out of range (type 0, code 0x80, do not retry)");
  EXPECT_EQ(NvmeStatus(0x0281).ToString(), "NVMe status 0x0281: unrecovered read error (type 2, code 0x81)");
  EXPECT_EQ(NvmeStatus(0x2082).ToString(), "NVMe status 0x2082: namespace not ready (type 0, code 0x82)");
  EXPECT_EQ(NvmeStatus(0x07c5).ToString(), "NVMe status 0x07c5: vendor specific status (type 7, code 0xc5)");
  EXPECT_EQ(NvmeStatus(0x01ff).ToString(),
            "NVMe status 0x01ff: unknown command specific status (type 1, code 0xff)");
}

TEST(NvmeStatus, OnlyPassingConditionsAreRetryable) {
  std::set<int> retryable;
  for (int value = 0; value < 0x800; ++value) {
    if (NvmeStatus(static_cast<uint16_t>(value)).Retryable()) retryable.insert(value);
    EXPECT_FALSE(NvmeStatus(static_cast<uint16_t>(value | 0x4000)).Retryable()) << value;
  }
  EXPECT_EQ(retryable, (std::set<int>{0x004, 0x005, 0x006, 0x007, 0x008, 0x021, 0x022, 0x082, 0x280, 0x281,
                                      0x282, 0x283, 0x284, 0x300, 0x302, 0x303, 0x360, 0x370, 0x371}));
  EXPECT_TRUE(NvmeStatus(0x3882).Retryable()) << "delay and more are no part of the kind";
}

TEST(NvmeStatus, ErrnoSeparatesRoomMediumAndPassingConditions) {
  EXPECT_EQ(NvmeStatus(0x4081).Errno(), ENOSPC);
  EXPECT_EQ(NvmeStatus(0x0082).Errno(), EAGAIN);
  EXPECT_EQ(NvmeStatus(0x0371).Errno(), EAGAIN);
  for (const int value : {0x0281, 0x4281, 0x0006, 0x4080, 0x4001, 0x07ff}) {
    EXPECT_EQ(NvmeStatus(static_cast<uint16_t>(value)).Errno(), EIO) << value;
  }
}

TEST(NvmeStatus, EveryStatusIsAResultBelowEveryErrno) {
  for (int value = 0; value <= 0xffff; ++value) {
    const int64_t result = ResultOfNvmeStatus(NvmeStatus(static_cast<uint16_t>(value)));
    EXPECT_LT(result, -4096);
    const auto back = NvmeStatusOfResult(result);
    ASSERT_TRUE(back);
    ASSERT_EQ(back->value(), value);
  }
  for (const int64_t result : {int64_t{0}, int64_t{1} << 30, int64_t{-EIO}, int64_t{-4095}, INT64_MIN}) {
    EXPECT_FALSE(NvmeStatusOfResult(result)) << result;
  }
}

TEST(NvmeStatus, CommandResultsAreBytesErrnosOrStatuses) {
  EXPECT_EQ(ResultOfNvmeCommand(0, 8192), 8192);
  EXPECT_EQ(ResultOfNvmeCommand(-EIO, 8192), -EIO);
  EXPECT_EQ(NvmeStatusOfResult(ResultOfNvmeCommand(0x4080, 8192))->value(), 0x4080);
  EXPECT_EQ(NvmeStatusOfResult(ResultOfNvmeCommand(-EINTR, 8192))->value(), 0x0371);
}

}  // namespace
}  // namespace rawkv
