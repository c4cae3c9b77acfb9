// Tests of the parts of rawkv-bench.
#include <gtest/gtest.h>

#include "tools/bench/chart.h"
#include "tools/bench/compare.h"
#include "tools/bench/latencies.h"
#include "tools/bench/read_work.h"
#include "tools/bench/results.h"
#include "tools/bench/values.h"

namespace rawkv::bench {
namespace {

TEST(Latencies, PartsAreRightWithinABucket) {
  Latencies latencies;
  for (int64_t ns = 1; ns <= 1'000'000; ++ns) latencies.Add(ns);
  for (const double part : {0.01, 0.5, 0.99, 0.999}) {
    const double us = part * 1000;
    EXPECT_GE(latencies.Microseconds(part), us * 0.999);
    EXPECT_LE(latencies.Microseconds(part), us * (1 + 1.0 / 64) + 0.001);
  }
  EXPECT_EQ(latencies.Microseconds(1), 1000);
  EXPECT_EQ(latencies.MaxMicroseconds(), 1000);
  EXPECT_EQ(latencies.count(), 1'000'000u);
}

TEST(Latencies, MergedOnesCountAsOne) {
  Latencies low, high;
  low.Add(10);
  high.Add(5'000'000);
  low.Merge(high);
  EXPECT_EQ(low.count(), 2u);
  EXPECT_EQ(low.Microseconds(0), 0.01);
  EXPECT_EQ(low.MaxMicroseconds(), 5000);
  EXPECT_EQ(Latencies().Microseconds(0.5), 0);
}

TEST(Values, KeysAreInTheOrderOfTheirNumbers) {
  EXPECT_EQ(KeyOf(0), "user000000000000");
  EXPECT_EQ(KeyOf(120), "user000000000120");
  EXPECT_LT(KeyOf(99), KeyOf(100));
  EXPECT_EQ(NumberOf(KeyOf(123'456'789'012)), 123'456'789'012u);
}

TEST(Values, WrongBytesAreFound) {
  constexpr uint64_t kBytes = 10'000;
  const ConstBytes right = ValueOf(7, kBytes);
  EXPECT_TRUE(CheckPages(7, kBytes, right).ok());
  EXPECT_TRUE(CheckAll(7, kBytes, right).ok());
  EXPECT_EQ(CheckPages(8, kBytes, right).code(), StatusCode::kCorruption);
  EXPECT_EQ(CheckPages(7, kBytes, right.first(kBytes - 1)).code(), StatusCode::kCorruption);
  std::vector<std::byte> wrong(right.begin(), right.end());
  wrong[kBytes - 1] ^= std::byte{1};
  EXPECT_EQ(CheckAll(7, kBytes, wrong).code(), StatusCode::kCorruption);
  wrong[8192] ^= std::byte{1};
  EXPECT_EQ(CheckPages(7, kBytes, wrong).code(), StatusCode::kCorruption);
}

TEST(Values, ZipfianPrefersFewKeys) {
  constexpr uint64_t kKeys = 10'000, kDraws = 100'000;
  const Zipfian zipfian(kKeys);
  Random random(1);
  uint64_t first = 0, first_hundred = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const uint64_t rank = zipfian.Rank(random);
    ASSERT_LT(rank, kKeys);
    ASSERT_LT(zipfian.Scattered(random), kKeys);
    first += rank == 0;
    first_hundred += rank < 100;
  }
  // 1 / zeta(10000, 0.99) is 10.2 %, and the sum over the first hundred ranks 53 %.
  EXPECT_NEAR(static_cast<double>(first) / kDraws, 0.102, 0.01);
  EXPECT_NEAR(static_cast<double>(first_hundred) / kDraws, 0.53, 0.02);
  for (const uint64_t few : {1, 2, 3}) EXPECT_LT(Zipfian(few).Scattered(random), few);
}

TEST(ReadWork, EndsAfterTheKeysOrTheTime) {
  ReadWork once({.keys = {5, 6}, .end = Clock::time_point::max()});
  EXPECT_EQ(once.Next(), 5u);
  EXPECT_EQ(once.Next(), 6u);
  EXPECT_EQ(once.Next(), std::nullopt);
  ReadWork late({.keys = {5}, .repeat = true, .end = Clock::time_point::min()});
  uint64_t reads = 0;
  while (late.Next()) ++reads;
  EXPECT_GE(reads, 1u);
  EXPECT_LE(reads, 8u);
}

Series Figure(const std::string& metric, Better better, std::vector<double> samples) {
  return {.workload = "w",
          .value_bytes = 4096,
          .dimension = "depth",
          .depth = 8,
          .metric = metric,
          .unit = "ops/s",
          .better = better,
          .peer = "rawkv",
          .samples = std::move(samples)};
}

TEST(Results, SpreadIsTheDistanceOfTheFarthestSample) {
  const Spread spread = SpreadOf({9, 10, 13});
  EXPECT_EQ(spread.median, 10);
  EXPECT_EQ(spread.min, 9);
  EXPECT_EQ(spread.max, 13);
  EXPECT_DOUBLE_EQ(spread.deviation(), 0.3);
  EXPECT_EQ(SpreadOf({1, 3}).median, 2);
}

TEST(Results, JsonGivesTheSameResults) {
  Results results;
  results.machine.facts = {{"kernel", "Linux"}};
  results.settings = {{"seed", "1"}};
  results.peers = {{"rawkv", "0.1.0", "the defaults"}};
  results.series = {Figure("throughput", Better::kHigher, {1.5, 2})};
  results.missing = {{"", "fio", "not installed"}};
  const Result<Results> read = FromJson(ToJson(results));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(ToJson(*read), ToJson(results));
  EXPECT_EQ(read->series[0].Id(), "w/4KiB/depth=8/throughput");
  EXPECT_EQ(FromJson("{\"format\": 2}").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FromJson("[").status().code(), StatusCode::kInvalidArgument);
}

TEST(Results, TableNamesMissingPeersWithTheirReason) {
  Results results;
  results.peers = {{"rawkv", "", ""}, {"lmdb", "", ""}};
  results.series = {Figure("throughput", Better::kHigher, {1234, 1234, 2468})};
  results.missing = {{"w", "lmdb", "it keeps no versions"}};
  const std::string table = ToTables(results);
  EXPECT_NE(table.find("| 4KiB | 8 | throughput, ops/s | 1,234 ±100% | – |"), std::string::npos) << table;
  EXPECT_NE(table.find("- lmdb: it keeps no versions"), std::string::npos) << table;
}

TEST(Compare, OnlyRangesThatDoNotOverlapDiffer) {
  Results before, after;
  before.series = {Figure("a", Better::kHigher, {10, 11}), Figure("b", Better::kLower, {10, 11}),
                   Figure("c", Better::kHigher, {10, 12}), Figure("d", Better::kLower, {10, 11})};
  after.series = {Figure("a", Better::kHigher, {12, 13}), Figure("b", Better::kLower, {12, 13}),
                  Figure("c", Better::kHigher, {11, 14}), Figure("e", Better::kLower, {1})};
  const Comparison comparison = Compare(before, after);
  EXPECT_EQ(comparison.better, 1u);
  EXPECT_EQ(comparison.worse, 1u);
  EXPECT_EQ(comparison.same, 1u);
  EXPECT_EQ(comparison.only_in_one, 2u);
  EXPECT_NE(comparison.text.find("| w/4KiB/depth=8/b of rawkv | 10.5 | 12.5 | 1.19 | worse |"),
            std::string::npos)
      << comparison.text;
}

TEST(Charts, ShowEachFigureAndEscapeNames) {
  const Chart chart{.title = "a<b",
                    .unit = "ops/s",
                    .groups = {"one", "two"},
                    .series = {{.name = "p&q", .values = {1500, -1}, .low = {1400, -1}, .high = {1600, -1}},
                               {.name = "other", .values = {30, 40}, .low = {30, 40}, .high = {30, 40}}}};
  for (const std::string& svg : {BarChartSvg(chart), LineChartSvg(chart)}) {
    EXPECT_NE(svg.find("a&lt;b, ops/s"), std::string::npos) << svg;
    EXPECT_NE(svg.find("p&amp;q"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
  }
  EXPECT_NE(BarChartSvg(chart).find(">1,500<"), std::string::npos);
}

}  // namespace
}  // namespace rawkv::bench
