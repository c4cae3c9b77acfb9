// The power is cut at every place of opens, closes, a rollback and a prune, and then a file or a superblock
// is lost, too. The store must open, or be restored, at a version that the documentation allows (invariant
// 15).
#include <gtest/gtest.h>

#include <set>

#include "blockdev/superblock.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/engine.h"
#include "tests/crash/sim_checks.h"
#include "tests/support/expect_status.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {
namespace {

constexpr char kDir[] = "/store";
constexpr char kDevice[] = "/store/device.img";

FormatOptions FormatOf(const Environment& env) {
  FormatOptions o;
  o.capacity_bytes = 100 * 4096;
  o.runtime = {.snapshot_interval = 0, .keep_recent = 0, .wal_segment_bytes = 64 << 10};
  o.env = env;
  return o;
}

std::unique_ptr<Engine> OpenOrFail(SimWorld& world) {
  Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OpenOf(world.env()));
  EXPECT_OK(engine);
  return engine.ok() ? *std::move(engine) : nullptr;
}

void Commit(Engine& engine, const std::string& value) {
  WriteBatch batch;
  batch.Put("key", value + std::string(5000, 'p'));
  ASSERT_TRUE(engine.Commit(batch).ok());
}

// What may be lost, as it is on the disk after the cut.
enum class Part : uint8_t { kStore, kCopy, kSuperblockA, kSuperblockB };
using Loss = std::vector<Part>;

void Lose(SimWorld& world, const Loss& loss) {
  for (const Part part : loss) {
    if (part == Part::kStore || part == Part::kCopy) {
      const std::string path = std::string(kDir) + (part == Part::kStore ? "/STORE" : "/STORE-COPY");
      const Status removed = world.fs().RemoveFile(path);
      EXPECT_TRUE(removed.ok() || removed.code() == StatusCode::kNotFound) << removed.ToString();
      EXPECT_TRUE(world.fs().SyncDir(kDir).ok());
      continue;
    }
    const Result<OpenedDevice> device = world.env().open_device(kDevice, {.writable = true});
    ASSERT_OK(device);
    AlignedBuffer zeros(kSuperblockBytes);
    std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
    const uint64_t at = part == Part::kSuperblockA ? 0 : kSuperblockBytes;
    EXPECT_TRUE(device->device->Write(DeviceOffset(at), zeros.bytes()).ok());
    EXPECT_TRUE(device->device->Flush().ok());
  }
}

const Loss kSingleLosses[] = {{Part::kStore}, {Part::kCopy}, {Part::kSuperblockA}, {Part::kSuperblockB}};
const Loss kDoubleLosses[] = {{Part::kStore, Part::kCopy}, {Part::kSuperblockA, Part::kSuperblockB}};

// What a store may hold: a version and the value that its newest commit wrote.
struct Held {
  uint64_t version = 0;
  std::string value;
  friend bool operator<(const Held& a, const Held& b) {
    return std::tie(a.version, a.value) < std::tie(b.version, b.value);
  }
};
using Allowed = std::set<Held>;

// Opens and closes the store. Returns "" if it holds what is allowed.
std::string OpenAndClose(SimWorld& world, const Allowed& allowed, Held* held) {
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OpenOf(world.env()));
  if (!engine.ok()) return "open: " + engine.status().ToString();
  const auto value = (*engine)->Get("key");
  if (!value.ok()) return "get: " + value.status().ToString();
  *held = {(*engine)->version().value(), value->bytes.substr(0, value->bytes.size() - 5000)};
  if (allowed.count(*held) == 0) return "holds " + held->value + " at " + std::to_string(held->version);
  const Status closed = (*engine)->Close();
  return closed.ok() ? "" : "close: " + closed.ToString();
}

std::string RestoreWithConsent(SimWorld& world) {
  const Result<RepairReport> repaired =
      RepairStore(kDir, {.may_give_up = VersionRanges()}, OpenOf(world.env()));
  if (!repaired.ok()) return "repair: " + repaired.status().ToString();
  if (!repaired->plan.hopeless.empty()) return "hopeless: " + repaired->plan.hopeless;
  return repaired->agreed ? "" : "the repair wanted to give something up";
}

// A crash state with one loss, and after its open the loss of what was whole: the open made both again.
std::string JudgeSingleLoss(const DiskImage& image, const Loss& loss, const Allowed& allowed, uint64_t seed) {
  SimWorld world(image, seed);
  Lose(world, loss);
  Held first;
  std::string wrong = OpenAndClose(world, allowed, &first);
  if (wrong.empty()) wrong = FindDamage(kDir, world.env());
  if (!wrong.empty()) return wrong;
  const Part other = static_cast<Part>(static_cast<int>(loss.front()) ^ 1);
  Lose(world, {other});
  Held second;
  wrong = OpenAndClose(world, {first}, &second);
  return wrong.empty() ? FindDamage(kDir, world.env()) : "after a second loss: " + wrong;
}

std::string JudgeDoubleLoss(const DiskImage& image, const Loss& loss, const Allowed& allowed, uint64_t seed) {
  SimWorld world(image, seed);
  Lose(world, loss);
  std::string wrong = RestoreWithConsent(world);
  Held held;
  if (wrong.empty()) wrong = OpenAndClose(world, allowed, &held);
  return wrong.empty() ? FindDamage(kDir, world.env()) : wrong;
}

// A closed store with the versions 1 to 3, and snapshots 0 and 2.
DiskImage Start() {
  SimWorld world(DiskImage(), 41);
  EXPECT_TRUE(Engine::Format(kDir, FormatOf(world.env())).ok());
  const std::unique_ptr<Engine> engine = OpenOrFail(world);
  Commit(*engine, "one");
  Commit(*engine, "two");
  EXPECT_TRUE(engine->CreateSnapshot().ok());
  Commit(*engine, "three");
  EXPECT_TRUE(engine->Close().ok());
  return world.disk().Image();
}

// From each mark on, what a cut may leave.
const std::map<uint64_t, Allowed>& AllowedFrom() {
  static const std::map<uint64_t, Allowed> allowed = {
      {0, {{3, "three"}, {4, "four"}}},  // a commit is under way
      {1, {{4, "four"}}},                // it was acknowledged; then a close and an open
      {2, {{4, "four"}, {2, "two"}}},    // a rollback is under way
      {3, {{2, "two"}, {3, "new"}}},     // it was answered; another commit is under way
      {4, {{3, "new"}}},                 // it was acknowledged; then a snapshot with its prune, and a close
  };
  return allowed;
}

Trace RunHistory(const DiskImage& start) {
  SimWorld world(start, 42);
  world.disk().Record(true);
  {
    const std::unique_ptr<Engine> engine = OpenOrFail(world);
    Commit(*engine, "four");
    world.disk().Mark(1);
    EXPECT_TRUE(engine->Close().ok());
  }
  const std::unique_ptr<Engine> engine = OpenOrFail(world);
  world.disk().Mark(2);
  EXPECT_TRUE(engine->Rollback(Version(2)).ok());
  world.disk().Mark(3);
  Commit(*engine, "new");
  world.disk().Mark(4);
  EXPECT_TRUE(engine->CreateSnapshot().ok());
  EXPECT_TRUE(engine->Prune().ok());
  EXPECT_TRUE(engine->Close().ok());
  return world.disk().TakeTrace();
}

// Whether a cut after this event may leave a state in which the record's places differ.
bool TouchesRecord(const TraceEvent& event) {
  const bool device = event.kind == TraceEvent::Kind::kDeviceWrite && event.offset < 2 * kSuperblockBytes;
  return device || event.path.find("/STORE") != std::string::npos ||
         event.path.find("/ROLLBACK") != std::string::npos || event.kind == TraceEvent::Kind::kSyncDir;
}

TEST(LostIdentityCrash, EveryWriteOfTheRecordIsACrashPoint) {
  const DiskImage start = Start();
  CrashStates states(start);
  std::set<uint64_t> seen;
  uint64_t phase = 0;
  size_t judged = 0;
  for (const TraceEvent& event : RunHistory(start)) {
    states.Advance(event);
    if (event.kind == TraceEvent::Kind::kMark) phase = event.length;
    if (!TouchesRecord(event)) continue;
    for (const CrashPlan& plan : CrashPlans(states.place(), 1)) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      const Allowed& allowed = AllowedFrom().at(phase);
      const auto where = [&] {
        return "place " + std::to_string(states.place()) + " (" + Describe(event) + "), " + Describe(plan);
      };
      for (const Loss& loss : kSingleLosses) {
        ASSERT_EQ(JudgeSingleLoss(image, loss, allowed, ++judged), "")
            << where() << ", loss of part " << static_cast<int>(loss.front());
      }
      for (const Loss& loss : kDoubleLosses) {
        ASSERT_EQ(JudgeDoubleLoss(image, loss, allowed, ++judged), "")
            << where() << ", loss of both from part " << static_cast<int>(loss.front());
      }
    }
  }
  EXPECT_GE(judged, 300u);
  std::printf("[   states ] %zu, judged %zu times\n", seen.size(), judged);
}

// STORE has the lineage of a rollback, and STORE-COPY not yet. The next open finishes the rollback, and is
// cut itself. It must not build on a record that only STORE has.
TEST(LostIdentityCrash, OpenBuildsOnNoRecordThatOnlyStoreHas) {
  const DiskImage start = Start();
  CrashStates history(start);
  bool rollback = false;
  bool switched = false;
  for (const TraceEvent& event : RunHistory(start)) {
    history.Advance(event);
    rollback = rollback || (event.kind == TraceEvent::Kind::kMark && event.length == 2);
    switched = switched || (rollback && event.kind == TraceEvent::Kind::kRename && event.to_name == "STORE");
    if (switched && event.kind == TraceEvent::Kind::kSyncDir) break;
  }
  const DiskImage between = Crash(history, {});
  SimWorld world(between, 44);
  world.disk().Record(true);
  Held held;
  ASSERT_EQ(OpenAndClose(world, {{2, "two"}}, &held), "") << "the rollback has taken effect";
  CrashStates states(between);
  std::set<uint64_t> seen;
  for (const TraceEvent& event : world.disk().TakeTrace()) {
    states.Advance(event);
    for (const CrashPlan& plan : CrashPlans(states.place(), 1)) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      for (const Loss& loss : kSingleLosses) {
        ASSERT_EQ(JudgeSingleLoss(image, loss, {{4, "four"}, {2, "two"}}, seen.size()), "")
            << "place " << states.place() << " (" << Describe(event) << "), " << Describe(plan)
            << ", loss of part " << static_cast<int>(loss.front());
      }
    }
  }
  EXPECT_GE(seen.size(), 50u);
}

TEST(LostIdentityCrash, StoppedRestoreCanBeRepeated) {
  const DiskImage start = Start();
  for (const Loss& loss : kDoubleLosses) {
    DiskImage lost;
    Trace trace;
    {
      SimWorld world(start, 43);
      Lose(world, loss);
      lost = world.disk().Image();
      world.disk().Record(true);
      ASSERT_EQ(RestoreWithConsent(world), "");
      trace = world.disk().TakeTrace();
    }
    CrashStates states(lost);
    std::set<uint64_t> seen;
    for (const TraceEvent& event : trace) {
      states.Advance(event);
      for (const CrashPlan& plan : CrashPlans(states.place(), 3)) {
        const DiskImage image = Crash(states, plan);
        if (!seen.insert(image.Hash()).second) continue;
        SimWorld world(image, seen.size());
        Held held;
        ASSERT_EQ(RestoreWithConsent(world), "") << "place " << states.place() << ", " << Describe(plan);
        ASSERT_EQ(OpenAndClose(world, {{3, "three"}}, &held), "") << "place " << states.place();
        ASSERT_EQ(FindDamage(kDir, world.env()), "") << "place " << states.place();
      }
    }
    EXPECT_GE(seen.size(), 8u);
  }
}

}  // namespace
}  // namespace rawkv
