#include "engine/rocksdb/flush_listener.h"

#include <gtest/gtest.h>
#include <rocksdb/listener.h>

#include <memory>

namespace rawkv {
namespace {

using rocksdb::BackgroundErrorReason;

class FlushListenerTest : public ::testing::Test {
 protected:
  const std::shared_ptr<FlushTracker> tracker_ = std::make_shared<FlushTracker>(0);
  const std::shared_ptr<rocksdb::EventListener> listener_ = MakeFlushListener(tracker_, nullptr, "dir");
};

// RocksDB's automatic recovery polls for free space and then flushes the memtable, at a moment of its own
// choice.
TEST_F(FlushListenerTest, ForbidsAutomaticRecovery) {
  for (const auto reason : {BackgroundErrorReason::kFlushNoWAL, BackgroundErrorReason::kManifestWriteNoWAL}) {
    bool auto_recovery = true;
    listener_->OnErrorRecoveryBegin(reason, rocksdb::Status::NoSpace(), &auto_recovery);
    EXPECT_FALSE(auto_recovery);
  }
}

TEST_F(FlushListenerTest, OnlyFailuresForLackOfSpaceMayBeRetried) {
  ASSERT_TRUE(tracker_->Begin(1).ok());
  rocksdb::Status error = rocksdb::Status::NoSpace();
  listener_->OnBackgroundError(BackgroundErrorReason::kFlushNoWAL, &error);
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(tracker_->Wait().code(), StatusCode::kNoSpace);
  ASSERT_TRUE(tracker_->Begin(1).ok());

  error = rocksdb::Status::NoSpace();
  listener_->OnBackgroundError(BackgroundErrorReason::kCompaction, &error);
  EXPECT_TRUE(error.ok());
  ASSERT_TRUE(tracker_->Begin(1).ok());

  error = rocksdb::Status::IOError("sync");
  listener_->OnBackgroundError(BackgroundErrorReason::kFlushNoWAL, &error);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(tracker_->Begin(1).code(), StatusCode::kIoError);
}

}  // namespace
}  // namespace rawkv
