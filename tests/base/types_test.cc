#include "base/types.h"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>
#include <unordered_set>

#include "base/extent.h"

namespace rawkv {
namespace {

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};

template <typename A, typename B>
concept Subtractable = requires(A a, B b) {
  a - b;
};

static_assert(sizeof(Version) == sizeof(uint64_t));
static_assert(std::is_trivially_copyable_v<Version>);
static_assert(Version() == Version(0));
static_assert(!std::is_convertible_v<uint64_t, Version>, "explicit in");
static_assert(!std::is_convertible_v<Version, uint64_t>, "explicit out");
static_assert(!std::is_constructible_v<Version, Lineage>);
static_assert(!std::is_assignable_v<Version&, Lineage>);
static_assert(!std::equality_comparable_with<Version, Lineage>);
static_assert(!std::equality_comparable_with<Version, uint64_t>);
static_assert(Addable<SlotId, SlotCount> && Subtractable<SlotId, SlotId>);
static_assert(!Addable<SlotId, SlotId>, "the sum of two places is no place");
static_assert(!Addable<Version, Version> && !Addable<Version, uint64_t>, "versions only have a next one");
static_assert(!Addable<SlotId, uint64_t> && !Addable<WriteId, WriteId>);
static_assert(std::same_as<decltype(SlotId(5) - SlotId(3)), SlotCount>);
static_assert(Next(Version(1)) == Version(2) && Previous(Version(2)) == Version(1));
static_assert(Version(1) < Version(2));

TEST(Types, VersionsPrintInDecimalAndIdsInHex) {
  EXPECT_EQ(ToString(Version(42)), "42");
  EXPECT_EQ(ToString(Version(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(ToHex(uint64_t{0}), "0000000000000000");
  EXPECT_EQ(ToHex(uint64_t{0x0123456789abcdef}), "0123456789abcdef");
}

TEST(Types, WorkAsHashKeys) {
  const std::unordered_set<Version> versions{Version(1), Version(2), Version(1)};
  EXPECT_EQ(versions.size(), 2u);
}

TEST(Extent, OverlapsOnlyIfASlotIsShared) {
  const Extent extent{.first = SlotId(10), .count = SlotCount(5)};
  EXPECT_EQ(extent.end(), SlotId(15));
  EXPECT_TRUE(extent.Overlaps({SlotId(14), SlotCount(1)}));
  EXPECT_TRUE(extent.Overlaps({SlotId(0), SlotCount(11)}));
  EXPECT_TRUE(extent.Overlaps({SlotId(0), SlotCount(100)}));
  EXPECT_FALSE(extent.Overlaps({SlotId(15), SlotCount(1)}));
  EXPECT_FALSE(extent.Overlaps({SlotId(0), SlotCount(10)}));
  EXPECT_EQ(TotalSlots({extent, {SlotId(20), SlotCount(2)}}), 7u);
}

}  // namespace
}  // namespace rawkv
