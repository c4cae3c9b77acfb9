#include "engine/store/store_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

using Holder = StoreLock::Holder;

Result<std::unique_ptr<StoreLock>> Acquire(const TempDir& dir, Holder holder) {
  return StoreLock::Acquire(PosixFs(), SystemClock(), dir.path(), holder);
}

TEST(StoreLock, WriterWaitsBrieflyForALookerOrReader) {
  for (const Holder first : {Holder::kLooker, Holder::kReader}) {
    const TempDir dir;
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<StoreLock> looking, Acquire(dir, first));
    std::thread writer([&] {
      const Result<std::unique_ptr<StoreLock>> lock = Acquire(dir, Holder::kWriter);
      EXPECT_OK(lock);
    });
    looking.reset();
    writer.join();
  }
}

TEST(StoreLock, WriterIsBusyIfAReaderStays) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<StoreLock> looking, Acquire(dir, Holder::kReader));
  const uint64_t begin = SystemClock().MonotonicNs();
  EXPECT_EQ(Acquire(dir, Holder::kWriter).status().code(), StatusCode::kBusy);
  EXPECT_GE(SystemClock().MonotonicNs() - begin, 1'900'000'000u);
}

TEST(StoreLock, NobodyWaitsForAWriter) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<StoreLock> writer, Acquire(dir, Holder::kWriter));
  for (const Holder holder : {Holder::kWriter, Holder::kLooker, Holder::kReader}) {
    const uint64_t begin = SystemClock().MonotonicNs();
    const Status refused = Acquire(dir, holder).status();
    EXPECT_STATUS(refused, StatusCode::kBusy, "process " + std::to_string(::getpid()));
    EXPECT_LT(SystemClock().MonotonicNs() - begin, 1'900'000'000u);
  }
}

TEST(StoreLock, LookerDoesNotWaitForAnotherLooker) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<StoreLock> looking, Acquire(dir, Holder::kLooker));
  EXPECT_EQ(Acquire(dir, Holder::kLooker).status().code(), StatusCode::kBusy);
}

// A monitor may ask at any moment, and a start of the application must not fail because of it.
TEST(StoreLock, AskingForTheHolderNeverMakesALockFail) {
  const TempDir dir;
  const std::string path = dir.File("LOCK");
  EXPECT_FALSE(PosixFs().IsLocked(path).value()) << "there is no file";
  std::atomic<bool> done = false;
  std::thread asking([&] {
    while (!done) ASSERT_TRUE(PosixFs().IsLocked(path).ok());
  });
  for (int i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) {
    const Result<std::unique_ptr<FileLock>> lock = PosixFs().Lock(path);
    EXPECT_OK(lock);
    if (i % 100 == 0) EXPECT_TRUE(PosixFs().IsLocked(path).value());
  }
  done = true;
  asking.join();
  EXPECT_FALSE(PosixFs().IsLocked(path).value());
}

}  // namespace
}  // namespace rawkv
