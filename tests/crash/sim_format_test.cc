// The power is cut while a store is made. The disk then has either a whole store, or no store and the same
// format call makes one.
#include <gtest/gtest.h>

#include <set>

#include "engine/admin/inspect.h"
#include "engine/engine.h"
#include "tests/crash/sim_checks.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {
namespace {

constexpr char kDir[] = "/store";

FormatOptions FormatOf(const Environment& env) {
  FormatOptions o;
  o.device = "/device";
  o.capacity_bytes = 50 * 4096;
  o.runtime = {.snapshot_interval = 0, .wal_segment_bytes = 64 << 10};
  o.env = env;
  return o;
}

// A disk with a device and, with `old_store`, an older store with one version.
DiskImage Start(bool old_store) {
  SimWorld world(DiskImage(), 31);
  world.disk().AddDevice("/device", 50 * 4096);
  if (old_store) {
    EXPECT_TRUE(Engine::Format(kDir, FormatOf(world.env())).ok());
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OpenOf(world.env()));
    EXPECT_TRUE(engine.ok());
    WriteBatch batch;
    batch.Put("old", std::string(5000, 'o'));
    EXPECT_TRUE((*engine)->Commit(batch).ok());
    EXPECT_TRUE((*engine)->Close().ok());
  }
  return world.disk().Image();
}

std::string ExpectWhole(SimWorld& world, uint64_t version) {
  {
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OpenOf(world.env()));
    if (!engine.ok()) return "open: " + engine.status().ToString();
    if ((*engine)->version() != Version(version)) return "version " + ToString((*engine)->version());
    if (!(*engine)->Close().ok()) return "close";
  }
  return FindDamage(kDir, world.env());
}

// Returns "" if the documentation allows the crash state.
std::string Judge(const DiskImage& image, bool old_store, uint64_t seed) {
  SimWorld world(image, seed);
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OpenOf(world.env()));
  if (engine.ok()) {
    const uint64_t version = (*engine)->version().value();
    if (version > (old_store ? 1u : 0u)) return "version " + std::to_string(version);
    if (!(*engine)->Close().ok()) return "close";
    return ExpectWhole(world, version);
  }
  if (engine.status().code() != StatusCode::kNotFound) return "open: " + engine.status().ToString();
  FormatOptions again = FormatOf(world.env());
  again.force = old_store;
  const Result<FormatResult> made = Engine::Format(kDir, again);
  if (!made.ok()) return "format again: " + made.status().ToString();
  return ExpectWhole(world, 0);
}

void CutPowerEverywhere(bool old_store, bool preallocate, size_t at_least) {
  const DiskImage start = Start(old_store);
  SimWorld world(start, 32);
  world.disk().Record(true);
  FormatOptions format = FormatOf(world.env());
  format.force = old_store;
  format.preallocate = preallocate;
  ASSERT_TRUE(Engine::Format(kDir, format).ok());
  CrashStates states(start);
  std::set<uint64_t> seen;
  for (const TraceEvent& event : world.disk().TakeTrace()) {
    states.Advance(event);
    for (const CrashPlan& plan : CrashPlans(states.place(), 3)) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      ASSERT_EQ(Judge(image, old_store, seen.size()), "")
          << "place " << states.place() << ", " << Describe(plan) << "\n"
          << image.Describe();
    }
  }
  EXPECT_GE(seen.size(), at_least);
  std::printf("[   states ] %zu\n", seen.size());
}

class SimFormat : public testing::TestWithParam<bool> {};  // whether the device file is preallocated

TEST_P(SimFormat, PowerCutLeavesAStoreOrARepeatableFormat) {
  CutPowerEverywhere(false, GetParam(), 100);
}

TEST_P(SimFormat, PowerCutInAForcedFormatLeavesTheOldStoreOrTheNextOneOrNone) {
  CutPowerEverywhere(true, GetParam(), 100);
}

INSTANTIATE_TEST_SUITE_P(Devices, SimFormat, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Preallocated" : "Sparse"; });

}  // namespace
}  // namespace rawkv
