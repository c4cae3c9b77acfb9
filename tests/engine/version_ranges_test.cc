#include "engine/api/version_range.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

VersionRanges Of(std::initializer_list<std::pair<uint64_t, uint64_t>> ranges) {
  VersionRanges out;
  for (const auto& [a, b] : ranges) out.emplace_back(Version(a), Version(b));
  return out;
}

TEST(VersionRanges, NormalizedJoinsAdjacentRanges) {
  EXPECT_EQ(Normalized({}), Of({}));
  EXPECT_EQ(Normalized(Of({{5, 9}, {0, 4}, {20, 20}, {7, 8}})), Of({{0, 9}, {20, 20}}));
  EXPECT_EQ(Normalized(Of({{0, 3}, {5, 6}})), Of({{0, 3}, {5, 6}}));
}

// Compares with set operations, for every pair of subsets of eight versions.
TEST(VersionRanges, WithoutIsTheDifferenceOfSets) {
  const auto ranges_of = [](unsigned bits) {
    VersionRanges out;
    for (uint64_t v = 0; v < 8; ++v) {
      if ((bits >> v & 1) != 0) out.emplace_back(Version(v), Version(v));
    }
    return Normalized(out);
  };
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      ASSERT_EQ(Without(ranges_of(a), ranges_of(b)), ranges_of(a & ~b)) << a << " without " << b;
    }
    for (uint64_t v = 0; v < 8; ++v) ASSERT_EQ(Covers(ranges_of(a), Version(v)), (a >> v & 1) != 0);
  }
}

TEST(VersionRanges, RangeMayEndAtTheLargestVersion) {
  const uint64_t last = ~uint64_t{0};
  EXPECT_EQ(Without(Of({{5, last}}), Of({{9, last}})), Of({{5, 8}}));
  EXPECT_EQ(Without(Of({{5, last}}), Of({{0, 7}})), Of({{8, last}}));
}

}  // namespace
}  // namespace rawkv
