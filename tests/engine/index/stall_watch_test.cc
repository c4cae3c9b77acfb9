#include "engine/rocksdb/stall_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/support/recording_logger.h"

namespace rawkv {
namespace {

TEST(StallWatch, ACallThatDoesNotEndIsReportedByName) {
  RecordingLogger logger;
  StallWatch watch(&logger, "index /store/working/index", std::make_shared<StallReporter>(1));
  {
    const StallWatch::Call call(watch, "flushing");
    while (!logger.Warned("index /store/working/index: flushing has taken ")) std::this_thread::yield();
  }
  const std::string first = logger.text();
  const StallWatch::Call other(watch, "closing");
  while (!logger.Warned("closing has taken ")) std::this_thread::yield();
  EXPECT_EQ(first.find("closing"), std::string::npos);
}

TEST(StallWatch, ALongCallIsReportedAgainLessAndLessOften) {
  RecordingLogger logger;
  StallWatch watch(&logger, "index", std::make_shared<StallReporter>(1));
  const StallWatch::Call call(watch, "linking");
  const auto lines = [&] {
    const std::string text = logger.text();
    return std::count(text.begin(), text.end(), '\n');
  };
  while (lines() < 4) std::this_thread::yield();
  // Each report comes after at least twice the time of the one before it.
  uint64_t last_ms = 0;
  std::string text = logger.text();
  for (size_t at = text.find("taken "); at != std::string::npos; at = text.find("taken ", at + 1)) {
    const uint64_t ms = std::stoull(text.substr(at + 6));
    EXPECT_GE(ms, 2 * last_ms);
    last_ms = ms;
  }
}

TEST(StallWatch, WithoutALoggerNothingIsWatched) {
  StallWatch watch(nullptr, "index", std::make_shared<StallReporter>(1));
  const StallWatch::Call call(watch, "flushing");
}

TEST(StallWatch, AllIndexesOfAProcessShareOneReporter) {
  const std::shared_ptr<StallReporter> first = StallReporter::Shared();
  EXPECT_EQ(StallReporter::Shared(), first);
}

TEST(StallWatch, EachCallIsReportedToItsOwnLogger) {
  RecordingLogger one, other;
  const auto reporter = std::make_shared<StallReporter>(1);
  StallWatch first(&one, "index one", reporter), second(&other, "index other", reporter);
  const StallWatch::Call a(first, "writing"), b(second, "closing");
  while (!one.Warned("index one: writing has taken ")) std::this_thread::yield();
  while (!other.Warned("index other: closing has taken ")) std::this_thread::yield();
  EXPECT_EQ(one.text().find("other"), std::string::npos);
}

}  // namespace
}  // namespace rawkv
