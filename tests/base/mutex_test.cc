#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace rawkv {
namespace {

TEST(Mutex, ExcludesOtherThreads) {
  Mutex mu;
  uint64_t count = 0;
  const auto work = [&] {
    for (int i = 0; i < 10000; ++i) {
      MutexLock lock(mu);
      ++count;
    }
  };
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
  EXPECT_EQ(count, 20000u);
}

TEST(CondVar, TimedWaitReturnsFalseWithTheMutexHeld) {
  Mutex mu;
  CondVar changed;
  MutexLock lock(mu);
  EXPECT_FALSE(changed.WaitForMs(mu, 1));
  bool held = true;
  std::thread([&] {
    if (mu.TryLock()) {
      held = false;
      mu.Unlock();
    }
  }).join();
  EXPECT_TRUE(held);
}

TEST(CondVar, NotificationWakesAWaiter) {
  Mutex mu;
  CondVar changed;
  bool ready = false;
  std::thread waker([&] {
    MutexLock lock(mu);
    ready = true;
    changed.NotifyOne();
  });
  {
    MutexLock lock(mu);
    while (!ready) changed.Wait(mu);
  }
  waker.join();
}

}  // namespace
}  // namespace rawkv
