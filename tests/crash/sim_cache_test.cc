// The power is cut while a cache puts, evicts, deletes and saves its order. Each object is whole or absent,
// what was acknowledged and pinned is there, and the usage is exact.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/cache/object_cache.h"
#include "tests/support/expect_status.h"
#include "tests/support/model.h"
#include "tests/support/sanitized.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {
namespace {

constexpr uint64_t kSlot = 4096;

ObjectCacheOptions OptionsIn(const SimWorld& world) {
  ObjectCacheOptions options;
  options.directory = "/cache";
  options.device = "/device";
  options.device_bytes = (40 + 18) * kSlot;  // 18 blocks are superblocks and metadata region
  options.slot_bytes = kSlot;
  options.trigger_watermark = 1;
  options.eviction_ratio = 0.2;
  options.recency_interval_seconds = 0;
  options.env = world.env();
  return options;
}

// Each key has one value in all of the test.
std::string ValueOf(const std::string& key) {
  const uint64_t seed = std::hash<std::string>()(key);
  return MakeValue({.seed = seed, .bytes = kSlot + seed % (2 * kSlot)});
}

ObjectCompletion Await(ObjectSession& session, const Result<uint64_t>& id) {
  ObjectCompletion done;
  if (!id.ok()) {
    done.status = id.status();
    return done;
  }
  while (session.Drain(std::span(&done, 1)) == 0) (void)session.Wait(-1);
  return done;
}

// What holds from a place of the trace on.
struct Fact {
  size_t place = 0;
  std::string key;
  bool there = false;  // stored and pinned; otherwise deleted
};

// Returns "" if the crash state is allowed.
std::string Judge(const DiskImage& image, const std::map<std::string, bool>& facts, uint64_t seed) {
  SimWorld world(image, seed);
  const auto cache = ObjectCache::Open(OptionsIn(world));
  if (!cache.ok()) return "open: " + cache.status().ToString();
  const auto session = (*cache)->OpenSession("judge");
  if (!session.ok()) return "session: " + session.status().ToString();
  const auto rows = (*cache)->Scan("", "", 1000);
  if (!rows.ok()) return "scan: " + rows.status().ToString();
  ObjectUsage usage;
  uint64_t slots = 0;
  std::set<std::string> there;
  for (const ObjectRow& row : *rows) {
    std::string out(row.bytes, '\0');
    const SessionRead read{.key = row.key, .out = std::as_writable_bytes(std::span(out))};
    const ObjectCompletion done = Await(**session, (*session)->SubmitGet(std::span(&read, 1)));
    if (done.hit_prefix() != 1) return row.key + " cannot be read";
    if (out != ValueOf(row.key)) return row.key + " has another value";
    ++usage.objects;
    usage.bytes += row.bytes;
    slots += (row.bytes + kSlot - 1) / kSlot;
    there.insert(row.key);
  }
  if ((*cache)->Usage() != usage) return "the usage is not that of the store";
  const Result<EngineInfo> info = (*cache)->Info();
  if (!info.ok() || info->slots.live != slots) return "slots are taken by no object";
  for (const auto& [key, expected] : facts) {
    if (there.contains(key) != expected) return key + (expected ? " is lost" : " is back after its delete");
  }
  // The cache works: it can be filled again.
  for (int i = 0; i < 3; ++i) {
    const std::string key = "after" + std::to_string(i), value = ValueOf(key);
    const ObjectPut put{.key = key, .value = AsBytes(value)};
    if (Await(**session, (*session)->SubmitPut(std::span(&put, 1))).hit_prefix() != 1) return "a put fails";
  }
  (void)(*session)->Close();
  return (*cache)->Close().ok() ? "" : "the close fails";
}

// Runs a history with this durability, cuts the power after its operations, and returns the first fault of a
// crash state, or "". Counts the states in `count`.
std::string Explore(Durability durability, size_t* count) {
  DiskImage start;
  {
    SimWorld maker(DiskImage(), 7);
    maker.disk().AddDevice("/device", OptionsIn(maker).device_bytes);
    const auto made = ObjectCache::Open(OptionsIn(maker));
    if (!made.ok() || !(*made)->Close().ok()) return "the cache cannot be made";
    start = maker.disk().Image();
  }
  SimWorld world(start, 11);
  world.disk().Record(true);
  std::vector<TraceEvent> trace;
  std::vector<Fact> facts;
  const auto collect = [&] {
    for (TraceEvent& event : world.disk().TakeTrace()) trace.push_back(std::move(event));
  };
  const auto learn = [&](const std::string& key, bool there) {
    collect();
    facts.push_back({trace.size(), key, there});
  };
  ObjectCacheOptions options = OptionsIn(world);
  options.durability = durability;
  const auto cache = ObjectCache::Open(options);
  if (!cache.ok()) return cache.status().ToString();
  const std::unique_ptr<ObjectSession> session = *(*cache)->OpenSession("test");
  collect();
  const size_t opened = trace.size();
  for (int round = 0; round < 14; ++round) {
    // The cache is full after a few rounds.
    std::vector<std::string> keys, values;
    for (int i = 0; i < 3; ++i) {
      keys.push_back("key" + std::to_string(3 * round + i));
      values.push_back(ValueOf(keys.back()));
    }
    std::vector<ObjectPut> puts;
    for (size_t i = 0; i < keys.size(); ++i) {
      puts.push_back({keys[i], AsBytes(values[i]), i == 1 ? 1'000'000 : 0});
    }
    if (Await(*session, session->SubmitPut(puts)).hit_prefix() != 3) return "a put fails";
    if (round % 3 == 0) {
      if (!*session->Pin(keys[1])) return "a pin fails";
      learn(keys[1], true);
    }
    if (round % 4 == 1) {
      const std::string_view name = keys[2];
      if (Await(*session, session->SubmitDelete(std::span(&name, 1))).hit_prefix() != 1)
        return "a delete fails";
      learn(keys[2], false);
    }
    if (round == 8 && !(*cache)->SaveRecency().ok()) return "the order is not saved";
  }
  EXPECT_GT((*cache)->stats().evicted, 10u);
  EXPECT_OK(session->Close());
  EXPECT_OK((*cache)->Close());
  collect();

  CrashStates states(start);
  std::set<uint64_t> seen;
  const size_t stride = Share(3, 40);
  for (size_t place = 0; place < trace.size(); ++place) {
    states.Advance(trace[place]);
    if (place < opened || place % stride != 0) continue;
    std::map<std::string, bool> now;
    for (const Fact& fact : facts) {
      if (fact.place <= states.place()) now[fact.key] = fact.there;
    }
    std::vector<CrashPlan> plans = CrashPlans(place, 1);
    plans.resize(std::min<size_t>(plans.size(), 3));
    for (const CrashPlan& plan : plans) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      const std::string fault = Judge(image, now, seen.size());
      if (!fault.empty()) return fault + " (place " + std::to_string(place) + ", " + Describe(plan) + ")";
    }
  }
  *count = seen.size();
  return "";
}

TEST(SimCache, PowerCutLeavesWholeObjectsAndTheRightUsage) {
  size_t count = 0;
  EXPECT_EQ(Explore(Durability::kSynced, &count), "");
  std::printf("[   states ] %zu\n", count);
  EXPECT_GE(count, Share(100, 10));
}

TEST(SimCache, MissingSyncOfAPutIsDetected) {
  size_t count = 0;
  const std::string fault = Explore(Durability::kUnsafeUnsynced, &count);
  EXPECT_NE(fault.find("is lost"), std::string::npos) << fault;
}

}  // namespace
}  // namespace rawkv
