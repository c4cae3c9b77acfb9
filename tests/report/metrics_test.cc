#include "report/metrics.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

EngineInfo SomeInfo() {
  EngineInfo info;
  info.version = Version(7);
  info.durable_version = Version(6);
  info.slot_bytes = 4096;
  info.slots.free = 3;
  info.health = "ok";
  return info;
}

bool Has(const std::string& text, const EngineInfo& info, const std::string& name, uint64_t value) {
  return text.find("\n" + name + "{store=\"" + info.store_uuid.ToString() + "\"} " + std::to_string(value) +
                   "\n") != std::string::npos;
}

TEST(Metrics, CountersOfTheReaderAreNotShown) {
  const EngineInfo info = SomeInfo();
  const std::string text = PrometheusText(info, {});
  EXPECT_TRUE(Has(text, info, "rawkv_version", 7));
  EXPECT_TRUE(Has(text, info, "rawkv_writer_up", 0));
  EXPECT_EQ(text.find("rawkv_writer_commits_total"), std::string::npos);
}

TEST(Metrics, TheWriterShowsItsOwnCounters) {
  const EngineInfo info = SomeInfo();
  EngineStats own;
  own.commits = 5;
  const std::string text = PrometheusText(info, {}, &own);
  EXPECT_TRUE(Has(text, info, "rawkv_writer_up", 1));
  EXPECT_TRUE(Has(text, info, "rawkv_writer_durable_version", 6));
  EXPECT_TRUE(Has(text, info, "rawkv_writer_free_bytes", 3 * 4096));
  EXPECT_TRUE(Has(text, info, "rawkv_writer_commits_total", 5));
}

TEST(Metrics, TheReportOfAnotherWriterIsShown) {
  EngineInfo info = SomeInfo();
  WriterStatus status;
  status.state = "open";
  status.stats.commits = 9;
  info.writer = WriterInfo{.pid = 1, .host = "h", .status = status};
  const std::string text = PrometheusText(info, {});
  EXPECT_TRUE(Has(text, info, "rawkv_writer_open", 1));
  EXPECT_TRUE(Has(text, info, "rawkv_writer_commits_total", 9));
}

TEST(Metrics, EachFigureIsAField) {
  EXPECT_EQ(JsonText(FiguresJson({{"a", 1}, {"b", 2}})), R"({"a":1,"b":2})");
}

}  // namespace
}  // namespace rawkv
