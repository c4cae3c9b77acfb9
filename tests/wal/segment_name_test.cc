#include "wal/segment_name.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

TEST(SegmentName, RoundTrips) {
  EXPECT_EQ(SegmentName(Version(42)), "00000000000000000042.log");
  for (const uint64_t v : {uint64_t{1}, uint64_t{42}, uint64_t{1} << 63}) {
    EXPECT_EQ(ParseSegmentName(SegmentName(Version(v))), Version(v));
  }
}

TEST(SegmentName, RefusesNamesThatItNeverMakes) {
  for (const char* name :
       {"", ".log", "42.log", "00000000000000000042", "00000000000000000042.log.tmp",
        "00000000000000000000.log", "0000000000000000004x.log", "-0000000000000000042.log",
        "+0000000000000000042.log", " 0000000000000000042.log", "000000000000000000042.log",
        "99999999999999999999.log", "18446744073709551615.log", "00000000000000000042.LOG"}) {
    EXPECT_EQ(ParseSegmentName(name), std::nullopt) << name;
  }
}

TEST(SegmentName, RecognisesItsTemporaryNames) {
  EXPECT_TRUE(IsTemporarySegmentName("00000000000000000042.log.tmp"));
  EXPECT_FALSE(IsTemporarySegmentName("00000000000000000042.log"));
  EXPECT_FALSE(IsTemporarySegmentName("notes.tmp"));
}

TEST(FindSegment, FindsTheNewestThatCanHoldTheVersion) {
  const std::vector<SegmentFile> files = {{Version(5), "", 0}, {Version(9), "", 0}, {Version(20), "", 0}};
  EXPECT_EQ(FindSegment(files, Version(4)), std::nullopt);
  EXPECT_EQ(FindSegment(files, Version(5)), 0u);
  EXPECT_EQ(FindSegment(files, Version(8)), 0u);
  EXPECT_EQ(FindSegment(files, Version(9)), 1u);
  EXPECT_EQ(FindSegment(files, Version(1000)), 2u);
  EXPECT_EQ(FindSegment({}, Version(1)), std::nullopt);
}

}  // namespace
}  // namespace rawkv
