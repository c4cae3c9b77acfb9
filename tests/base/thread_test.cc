#include "base/thread.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

TEST(Thread, JoinWaitsForTheEndAndAllowsAnotherStart) {
  Thread thread;
  thread.Join();  // no thread was started
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(thread.Start([&] { ++runs; }).ok());
    thread.Join();
  }
  EXPECT_EQ(runs, 2);
}

TEST(Thread, DestructorJoins) {
  int runs = 0;
  {
    Thread thread;
    ASSERT_TRUE(thread.Start([&] { ++runs; }).ok());
  }
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace rawkv
