#include "tools/cli/time_text.h"

#include <gtest/gtest.h>

#include "tests/support/expect_status.h"

namespace rawkv::ctl {
namespace {

constexpr uint64_t kNow = 1'772'373'900'250;  // 2026-03-01T14:05:00.250Z

TEST(TimeTextTest, ReadsWhatRfc3339Allows) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-03-01T14:05:00.250Z", kNow},
      {"2026-03-01t14:05:00.250z", kNow},
      {"2026-03-01 14:05:00.250Z", kNow},
      {"2026-03-01T15:05:00.250+01:00", kNow},
      {"2026-03-01T08:35:00.25-05:30", kNow},
      {"2026-03-01T14:05:00.2509999Z", kNow},
      {"2026-03-01T14:05:00", kNow - 250},
      {"2026-03-01T14:05", kNow - 250},
      {"2026-03-01", kNow - 250 - (14 * 60 + 5) * 60'000},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000},
  };
  for (const auto& [text, expected] : cases) {
    const Result<uint64_t> parsed = ParseTime(text, kNow);
    ASSERT_OK(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(TimeTextTest, ReadsHowLongAgo) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0s ago", 0},          {"90s ago", 90},           {"15m ago", 900},   {"2h ago", 7200},
      {"1h30m ago", 5400},    {"3d ago", 259200},        {"1w ago", 604800}, {"1 hour ago", 3600},
      {"3 days ago", 259200}, {"2weeks ago", 1'209'600},
  };
  for (const auto& [text, seconds] : cases) {
    const Result<uint64_t> parsed = ParseTime(text, kNow);
    ASSERT_OK(parsed) << text;
    EXPECT_EQ(*parsed, kNow - seconds * 1000) << text;
  }
}

TEST(TimeTextTest, ReadsATimeOfADayBefore) {
  constexpr uint64_t kToday = kNow - 250 - (14 * 60 + 5) * 60'000;
  const std::pair<const char*, uint64_t> cases[] = {
      {"3 days ago 14:05", kNow - 250 - 3 * 86'400'000},
      {"3d ago 00:00", kToday - 3 * 86'400'000},
      {"0d ago 23:59:59.500", kToday + 86'399'500},
      {"1w ago 14:05:00", kNow - 250 - 7 * 86'400'000},
  };
  for (const auto& [text, expected] : cases) {
    const Result<uint64_t> parsed = ParseTime(text, kNow);
    ASSERT_OK(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
  for (const char* text : {"3d ago 24:00", "3d ago 14", "3d ago 14:60", "3d ago 14:05:61", "2h ago 14:05",
                           "3d ago14:05", "3d ago 14:05Z", "3d ago  14:05", "3  days ago", "3 dayz ago"}) {
    EXPECT_STATUS(ParseTime(text, kNow), StatusCode::kInvalidArgument, "is not a time");
  }
}

TEST(TimeTextTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "now",
                           "14:05",
                           "2026",
                           "2026-03",
                           "2026-3-1",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-00-01",
                           "2026-03-00",
                           "2026-03-01T",
                           "2026-03-01T14",
                           "2026-03-01T24:00:00Z",
                           "2026-03-01T14:60Z",
                           "2026-03-01T14:05:61Z",
                           "2026-03-01T14:05:00.Z",
                           "2026-03-01T14:05:00+1",
                           "2026-03-01T14:05:00+24:00",
                           "2026-03-01T14:05:00Zz",
                           "2026-03-01T14:05:00 Z",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+00:01",
                           "2h",
                           "ago",
                           " ago",
                           "h ago",
                           "2 h ago",
                           "-2h ago",
                           "2y ago",
                           "2h ago ",
                           "99999999999999999999s ago",
                           "100w100000w ago",
                           "1772373900250"}) {
    EXPECT_STATUS(ParseTime(text, kNow), StatusCode::kInvalidArgument, "is not a time") << text;
  }
}

TEST(TimeTextTest, ReadsAndPrintsDurations) {
  EXPECT_EQ(*ParseDuration("0"), 0u);
  EXPECT_EQ(*ParseDuration("0s"), 0u);
  EXPECT_EQ(*ParseDuration("2w"), 14u * 86400);
  for (const uint64_t seconds : {1, 60, 3661, 86401, 3'000'000}) {
    EXPECT_EQ(*ParseDuration(DurationText(seconds)), seconds);
  }
  EXPECT_EQ(DurationText(0), "0");
  EXPECT_EQ(DurationText(7 * 86400), "7d");
  EXPECT_EQ(DurationText(5400), "1h30m");
  for (const char* text : {"", "1", "s", "7 d", "7d ago", "-1d", "1y", "99999999999999999999d"}) {
    EXPECT_STATUS(ParseDuration(text), StatusCode::kInvalidArgument, "length of time") << text;
  }
}

TEST(TimeTextTest, PrintedTimesAreReadBack) {
  EXPECT_EQ(UtcTimeMs(0), "-");
  EXPECT_EQ(UtcTimeMs(kNow), "2026-03-01T14:05:00.250Z");
  for (const uint64_t moment : {uint64_t{1}, uint64_t{999}, uint64_t{951'782'400'000}, kNow}) {
    EXPECT_EQ(*ParseTime(UtcTimeMs(moment), kNow), moment);
  }
}

}  // namespace
}  // namespace rawkv::ctl
