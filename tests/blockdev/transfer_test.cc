#include "blockdev/transfer.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace rawkv {
namespace {

class TransferTest : public testing::Test {
 protected:
  Transfer MakeTransfer(IoKind kind = IoKind::kRead) {
    return Transfer({.kind = kind, .offset = DeviceOffset(8192), .buffer = buffer_.bytes()});
  }
  AlignedBuffer buffer_{4 * kBlockAlign};
};

TEST_F(TransferTest, ContinuesAfterTheLastWholeBlock) {
  Transfer transfer = MakeTransfer();
  EXPECT_EQ(transfer.HandleResult(kBlockAlign + 100, "d"), Transfer::Next::kAgain);
  EXPECT_EQ(transfer.offset(), DeviceOffset(8192 + kBlockAlign));
  EXPECT_EQ(transfer.buffer().data(), buffer_.data() + kBlockAlign);
  EXPECT_EQ(transfer.buffer().size(), 3 * kBlockAlign);
  EXPECT_EQ(transfer.HandleResult(3 * kBlockAlign, "d"), Transfer::Next::kDone);
  EXPECT_TRUE(transfer.status().ok());
}

TEST_F(TransferTest, RetriesInterruptionsUpToALimit) {
  for (const int error : {EINTR, EAGAIN}) {
    Transfer transfer = MakeTransfer();
    int tries = 1;
    while (transfer.HandleResult(-error, "/dev/x") != Transfer::Next::kDone) ++tries;
    EXPECT_EQ(tries, Transfer::kMaxRetries + 1);
    EXPECT_EQ(transfer.status().code(), StatusCode::kIoError);
    EXPECT_NE(transfer.status().message().find("no progress after 65 tries"), std::string::npos)
        << transfer.status().message();
  }
}

TEST_F(TransferTest, ProgressResetsTheRetryCount) {
  Transfer transfer = MakeTransfer();
  for (int block = 0; block < 3; ++block) {
    for (int i = 0; i < Transfer::kMaxRetries; ++i)
      ASSERT_NE(transfer.HandleResult(-EINTR, "d"), Transfer::Next::kDone);
    ASSERT_EQ(transfer.HandleResult(kBlockAlign, "d"), Transfer::Next::kAgain);
  }
  EXPECT_EQ(transfer.HandleResult(kBlockAlign, "d"), Transfer::Next::kDone);
  EXPECT_TRUE(transfer.status().ok());
}

TEST_F(TransferTest, RepeatedPartialBlocksBecomeAnError) {
  Transfer transfer = MakeTransfer();
  while (transfer.HandleResult(512, "d") != Transfer::Next::kDone) {
  }
  EXPECT_EQ(transfer.status().code(), StatusCode::kIoError);
}

TEST_F(TransferTest, ZeroBytesMovedInsideTheCapacityIsAnError) {
  Transfer transfer = MakeTransfer();
  EXPECT_EQ(transfer.HandleResult(0, "d"), Transfer::Next::kDone);
  EXPECT_EQ(transfer.status().code(), StatusCode::kIoError);
}

TEST_F(TransferTest, MoreBytesThanRequestedIsAnError) {
  Transfer transfer = MakeTransfer();
  EXPECT_EQ(transfer.HandleResult(5 * kBlockAlign, "d"), Transfer::Next::kDone);
  EXPECT_EQ(transfer.status().code(), StatusCode::kIoError);
}

TEST_F(TransferTest, NamesOperationOffsetPathAndCause) {
  Transfer transfer = MakeTransfer(IoKind::kWrite);
  EXPECT_EQ(transfer.HandleResult(-EIO, "/dev/x"), Transfer::Next::kDone);
  EXPECT_EQ(transfer.status().message(), "write of 16384 bytes at offset 8192 of /dev/x: Input/output error");
}

TEST_F(TransferTest, FullFilesystemIsNoSpace) {
  Transfer transfer = MakeTransfer(IoKind::kWrite);
  EXPECT_EQ(transfer.HandleResult(-ENOSPC, "d"), Transfer::Next::kDone);
  EXPECT_EQ(transfer.status().code(), StatusCode::kNoSpace);
}

}  // namespace
}  // namespace rawkv
