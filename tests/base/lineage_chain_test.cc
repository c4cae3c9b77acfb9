#include "base/lineage_chain.h"

#include <gtest/gtest.h>

#include <random>

namespace rawkv {
namespace {

constexpr Lineage kRoot(0xa);
constexpr Lineage kSecond(0xb);
constexpr Lineage kThird(0xc);
constexpr Lineage kStranger(0xf);

LineageChain Root(uint64_t initial) {
  return LineageChain({{.id = kRoot, .parent = Lineage(), .fork = Version(initial)}});
}

TEST(LineageChain, EmptyChainContainsNothing) {
  const LineageChain chain;
  EXPECT_EQ(chain.current(), Lineage());
  EXPECT_FALSE(chain.HasBranch(Lineage()));
  EXPECT_FALSE(chain.Contains(Lineage(), Version(0)));
}

TEST(LineageChain, RootOwnsTheInitialVersionAndAllAfterIt) {
  const LineageChain chain = Root(100);
  EXPECT_FALSE(chain.Contains(kRoot, Version(99)));
  EXPECT_TRUE(chain.Contains(kRoot, Version(100)));
  EXPECT_TRUE(chain.Contains(kRoot, Version(101)));
  EXPECT_TRUE(chain.Contains(kRoot, Version(UINT64_MAX)));
  EXPECT_FALSE(chain.Contains(kStranger, Version(100)));
}

TEST(LineageChain, ForkSplitsTheVersionsAtTheForkPoint) {
  const LineageChain chain = Root(0).Forked(kSecond, Version(10));
  EXPECT_EQ(chain.current(), kSecond);
  EXPECT_EQ(chain.links().back(), (LineageLink{kSecond, kRoot, Version(10)}));
  EXPECT_TRUE(chain.Contains(kRoot, Version(10)));
  EXPECT_FALSE(chain.Contains(kRoot, Version(11))) << "rolled back";
  EXPECT_FALSE(chain.Contains(kSecond, Version(10)));
  EXPECT_TRUE(chain.Contains(kSecond, Version(11)));
}

TEST(LineageChain, RollbackBelowAnEarlierForkTakesVersionsFromEveryEarlierLink) {
  const LineageChain chain = Root(0).Forked(kSecond, Version(10)).Forked(kThird, Version(5));
  EXPECT_TRUE(chain.Contains(kRoot, Version(5)));
  EXPECT_FALSE(chain.Contains(kRoot, Version(6)));
  for (uint64_t v = 0; v < 20; ++v) EXPECT_FALSE(chain.Contains(kSecond, Version(v))) << v;
  EXPECT_TRUE(chain.HasBranch(kSecond)) << "its range is empty, but the branch is on the chain";
  EXPECT_FALSE(chain.Contains(kThird, Version(5)));
  EXPECT_TRUE(chain.Contains(kThird, Version(6)));
}

TEST(LineageChain, RollbackAboveAnEarlierForkKeepsPartOfThatBranch) {
  const LineageChain chain = Root(0).Forked(kSecond, Version(5)).Forked(kThird, Version(10));
  EXPECT_TRUE(chain.Contains(kRoot, Version(5)));
  EXPECT_FALSE(chain.Contains(kRoot, Version(6)));
  EXPECT_TRUE(chain.Contains(kSecond, Version(6)));
  EXPECT_TRUE(chain.Contains(kSecond, Version(10)));
  EXPECT_FALSE(chain.Contains(kSecond, Version(11)));
  EXPECT_TRUE(chain.Contains(kThird, Version(11)));
}

TEST(LineageChain, RollbackToTheInitialVersionLeavesTheRootOnlyThatVersion) {
  const LineageChain chain = Root(7).Forked(kSecond, Version(7));
  EXPECT_TRUE(chain.Contains(kRoot, Version(7)));
  EXPECT_FALSE(chain.Contains(kRoot, Version(8)));
  EXPECT_FALSE(chain.Contains(kSecond, Version(7)));
  EXPECT_TRUE(chain.Contains(kSecond, Version(8)));
}

TEST(LineageChain, TrimmingDropsBranchesThatOwnNothing) {
  // A hundred rollbacks to version 5, each of which gives up the commits since the last one.
  LineageChain chain = Root(0);
  for (uint64_t i = 1; i <= 100; ++i) chain = chain.Trimmed(Version(0)).Forked(Lineage(i), Version(5));
  EXPECT_EQ(chain.links().size(), 3u) << "the root, the branch before this one, and this one";
  EXPECT_TRUE(chain.Contains(kRoot, Version(5)));
  EXPECT_TRUE(chain.Contains(Lineage(100), Version(6)));
  EXPECT_TRUE(chain.HasBranch(Lineage(99)));
  EXPECT_EQ(chain.links()[1].parent, kRoot);
  EXPECT_EQ(chain.Trimmed(Version(6)).links(),
            (std::vector{LineageLink{Lineage(100), Lineage(), Version(5)}}));
}

TEST(LineageChain, TrimmingChangesNoAnswerForKeptVersions) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const uint64_t initial = random() % 3 * 50;
    LineageChain whole = Root(initial), trimmed = whole;
    std::vector<Lineage> all{kRoot, kStranger};
    uint64_t tip = initial, oldest = initial;
    for (uint64_t fork = 0; fork < 12; ++fork) {
      tip += random() % 8;
      oldest = std::min(oldest + random() % 3, tip);
      const uint64_t kept = tip - oldest + 1;
      tip = oldest + random() % (tip - oldest + 1);
      const Lineage id(1000 + fork);
      all.push_back(id);
      trimmed = trimmed.Trimmed(Version(oldest)).Forked(id, Version(tip));
      whole = whole.Forked(id, Version(tip));
      for (const Lineage asked : all) {
        for (uint64_t v = oldest; v <= tip + 10; ++v) {
          ASSERT_EQ(trimmed.Contains(asked, Version(v)), whole.Contains(asked, Version(v)))
              << fork << " " << v;
        }
      }
      ASSERT_EQ(trimmed.current(), id);
      ASSERT_LE(trimmed.links().size(), kept + 2);
    }
  }
}

// Compares the chain with a model that stores the branch of each version.
TEST(LineageChain, AgreesWithAModelOfEachVersionsBranch) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const uint64_t initial = random() % 3 * 50;
    std::vector<Lineage> maker{kRoot};  // of version initial + index
    LineageChain chain = Root(initial);
    std::vector<Lineage> all{kRoot, kStranger};
    size_t highest = 0;
    for (uint64_t fork = 0; fork < 8; ++fork) {
      for (uint64_t n = random() % 8; n > 0; --n) maker.push_back(chain.current());
      highest = std::max(highest, maker.size());
      for (const Lineage id : all) {
        for (uint64_t i = 0; i < maker.size(); ++i) {
          ASSERT_EQ(chain.Contains(id, Version(initial + i)), maker[i] == id) << fork << " " << i;
        }
        for (uint64_t i = maker.size(); i < highest + 2; ++i) {
          ASSERT_EQ(chain.Contains(id, Version(initial + i)), id == chain.current()) << fork << " " << i;
        }
        if (initial > 0) {
          ASSERT_FALSE(chain.Contains(id, Version(initial - 1)));
        }
        ASSERT_EQ(chain.HasBranch(id), id != kStranger);
      }
      maker.resize(1 + random() % maker.size());
      const Lineage id(1000 + fork);
      chain = chain.Forked(id, Version(initial + maker.size() - 1));
      all.push_back(id);
    }
  }
}

}  // namespace
}  // namespace rawkv
