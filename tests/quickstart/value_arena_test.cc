#include "tools/quickstart_value_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace rawkv::quickstart {
namespace {

TEST(ValueArena, LendsDisjointRoomForAllThatItWasToldOf) {
  TempDir dir;
  ValueArena arena(dir.path());
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{5}, uint64_t{3} << 20, uint64_t{1000}}) {
    ASSERT_TRUE(arena.Reset(bytes).ok());
    const Bytes first = arena.Take(bytes / 2);
    const Bytes second = arena.Take(bytes - bytes / 2);
    std::fill(first.begin(), first.end(), std::byte{1});
    std::fill(second.begin(), second.end(), std::byte{2});
    EXPECT_EQ(std::count(first.begin(), first.end(), std::byte{1}), static_cast<ptrdiff_t>(first.size()));
    EXPECT_EQ(arena.Take(0).size(), 0u);
  }
}

TEST(ValueArena, SpoolsALotToAFileThatNobodySees) {
  TempDir dir;
  ValueArena arena(dir.path());
  const uint64_t bytes = 257ull << 20;
  ASSERT_TRUE(arena.Reset(bytes).ok());
  const Bytes whole = arena.Take(bytes);
  whole.front() = std::byte{1};
  whole.back() = std::byte{2};
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  ASSERT_TRUE(arena.Reset(10).ok());
  EXPECT_EQ(ValueArena("/nonexistent").Reset(bytes).code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace rawkv::quickstart
