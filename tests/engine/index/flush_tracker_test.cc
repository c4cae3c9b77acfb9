#include "engine/rocksdb/flush_tracker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace rawkv {
namespace {

TEST(FlushTracker, WaitReturnsAtOnceIfNoFlushHasBegun) {
  FlushTracker tracker(10);
  EXPECT_TRUE(tracker.Wait().ok());
  EXPECT_TRUE(tracker.Begin(10).ok());  // an empty memtable
  EXPECT_TRUE(tracker.Wait().ok());
}

TEST(FlushTracker, OneCompletionMayEndSeveralFlushes) {
  FlushTracker tracker(0);
  ASSERT_TRUE(tracker.Begin(5).ok());
  ASSERT_TRUE(tracker.Begin(9).ok());
  std::atomic<bool> done = false;
  std::thread waiter([&] {
    EXPECT_TRUE(tracker.Wait().ok());
    done = true;
  });
  tracker.Done(5);
  EXPECT_FALSE(done);
  tracker.Done(9);
  waiter.join();
  EXPECT_TRUE(done);
}

TEST(FlushTracker, NextFlushClearsATemporaryFailure) {
  FlushTracker tracker(0);
  ASSERT_TRUE(tracker.Begin(5).ok());
  tracker.FailForNow(Status::NoSpace("full"));
  EXPECT_EQ(tracker.Wait().code(), StatusCode::kNoSpace);
  EXPECT_EQ(tracker.Wait().code(), StatusCode::kNoSpace);
  ASSERT_TRUE(tracker.Begin(7).ok());
  tracker.Done(7);
  EXPECT_TRUE(tracker.Wait().ok());
}

TEST(FlushTracker, FirstPermanentFailureIsKept) {
  FlushTracker tracker(0);
  tracker.Fail(Status::IoError("first"));
  tracker.Fail(Status::IoError("second"));
  EXPECT_EQ(tracker.Wait().message(), "first");
  EXPECT_EQ(tracker.Begin(5).message(), "first");
}

}  // namespace
}  // namespace rawkv
