#include "base/worker_thread.h"
#include "tests/support/expect_status.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace rawkv {
namespace {

TEST(WorkerThread, WaitReturnsTheResultOfTheRequestedRun) {
  int runs = 0;
  WorkerThread worker([&]() -> Status {
    return ++runs % 2 == 0 ? Status::IoError("run " + std::to_string(runs)) : Status::Ok();
  });
  ASSERT_TRUE(worker.Start().ok());
  EXPECT_TRUE(worker.Wait().ok()) << "nothing was requested";
  for (int i = 1; i <= 100; ++i) {
    worker.Request();
    EXPECT_EQ(worker.Wait().ok(), i % 2 == 1) << i;
    EXPECT_EQ(runs, i);
  }
}

TEST(WorkerThread, RequestsDuringARunLeadToOneMoreRun) {
  Mutex mu;
  CondVar changed;
  int begun = 0, allowed = 0;
  WorkerThread worker([&]() -> Status {
    MutexLock lock(mu);
    ++begun;
    changed.NotifyAll();
    while (allowed < begun) changed.Wait(mu);
    return {};
  });
  ASSERT_TRUE(worker.Start().ok());
  worker.Request();
  {
    MutexLock lock(mu);
    while (begun == 0) changed.Wait(mu);
  }
  for (int i = 0; i < 3; ++i) worker.Request();
  {
    MutexLock lock(mu);
    allowed = 100;
    changed.NotifyAll();
  }
  EXPECT_TRUE(worker.Wait().ok());
  EXPECT_EQ(begun, 2);
}

TEST(WorkerThread, StopWaitsForTheRunAndDropsARequest) {
  Mutex mu;
  CondVar changed;
  bool begun = false, allowed = false;
  int runs = 0;
  WorkerThread worker([&]() -> Status {
    MutexLock lock(mu);
    begun = true;
    changed.NotifyAll();
    while (!allowed) changed.Wait(mu);
    ++runs;
    return {};
  });
  ASSERT_TRUE(worker.Start().ok());
  worker.Request();
  {
    MutexLock lock(mu);
    while (!begun) changed.Wait(mu);
  }
  Thread stopper;
  ASSERT_TRUE(stopper.Start([&] { worker.Stop(); }).ok());
  {
    MutexLock lock(mu);
    allowed = true;
    changed.NotifyAll();
  }
  stopper.Join();
  EXPECT_EQ(runs, 1);
  worker.Stop();
}

TEST(WorkerThread, AnExceptionIsTheResult) {
  WorkerThread worker([]() -> Status { throw std::runtime_error("thrown"); });
  ASSERT_TRUE(worker.Start().ok());
  worker.Request();
  const Status result = worker.Wait();
  EXPECT_STATUS(result, StatusCode::kInternal, "thrown");
}

}  // namespace
}  // namespace rawkv
