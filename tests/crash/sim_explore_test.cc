// Cuts the power at every I/O of every short history, in every way (docs/testing.md, "Crash states"). This
// test judges a share of the states; crash_explore judges all.
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <iterator>

#include "tests/crash/sim_explorer.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

constexpr uint64_t kStates = Share(5'000, 300);

// RAWKV_CRASH_STATES sets the number of states to judge.
uint64_t StatesWanted() {
  const char* set = std::getenv("RAWKV_CRASH_STATES");
  return set != nullptr && *set != '\0' ? std::strtoull(set, nullptr, 0) : kStates;
}

class SimExploreTest : public ::testing::Test {
 protected:
  void Expect(const SimExplorer& explorer, uint64_t seed, uint64_t at_least) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    for (const Violation& v : explorer.violations()) {
      ADD_FAILURE() << v.what << "\n" << v.history << "\nlog of the engine:\n" << v.log << v.image;
    }
    std::printf("[   states ] %s\n", Report(explorer.counts(), seconds, seed).c_str());
    EXPECT_GE(explorer.counts().judged, at_least);
  }

  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// Histories of one and of two operations. The power is cut everywhere in the last operation. Continues with
// random histories until there are enough states, so that a small share still covers every history.
TEST_F(SimExploreTest, EveryHistoryOfUpToTwoOperations) {
  mallopt(M_ARENA_MAX, 1);  // otherwise each of the many short-lived threads maps its own arena
  const uint64_t wanted = StatesWanted();
  ExploreOptions options;
  options.seed = TestSeed(1);
  options.random_plans = 16;
  options.max_states = wanted;
  // A full round has about 60,000 states. A smaller share is spread over all histories.
  options.place_one_in = Share(1, 30);
  options.per_mille = std::min<uint64_t>(1000, wanted * options.place_one_in * 1000 / 60'000 + 1);
  SimExplorer explorer(options);
  for (size_t length = 1; length <= 2; ++length) {
    const uint64_t count = length == 1 ? kSimOps : kSimOps * kSimOps;
    for (uint64_t n = 0; n < count && !explorer.Done(); ++n) explorer.Explore(SequenceOf(length, n));
  }
  for (uint64_t seed = options.seed * 1000; !explorer.Done(); ++seed) {
    explorer.ExploreRandom(seed, 3 + seed % 8, 60);
  }
  Expect(explorer, options.seed, wanted);
}

// Long random histories in several settings.
TEST_F(SimExploreTest, LongHistories) {
  mallopt(M_ARENA_MAX, 1);
  const uint64_t wanted = StatesWanted() / 25;
  const uint64_t seed = TestSeed(2);
  const SimConfig configs[] = {
      {.snapshot_interval = 3},
      {.durability = Durability::kUnsafeUnsynced, .snapshot_interval = 4},
      {.header_bytes = 4096, .slots = 64},
      {.durability = Durability::kUnsafeUnsynced, .memtable_bytes = 16 << 10},
      {.snapshot_interval = 5, .undo_versions = 0},
      {.undo_versions = 1},
  };
  for (const SimConfig& config : configs) {
    ExploreOptions options{.config = config, .seed = seed, .random_plans = 2};
    options.max_states = wanted / std::size(configs);
    SimExplorer explorer(options);
    for (uint64_t n = 0; !explorer.Done(); ++n) explorer.ExploreRandom(seed * 1000 + n, 12, 40);
    Expect(explorer, seed, wanted / std::size(configs));
  }
}

}  // namespace
}  // namespace rawkv
