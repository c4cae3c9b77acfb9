#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/sealed_file.h"
#include "base/uuid.h"
#include "snapshot/leases.h"
#include "snapshot/pins.h"
#include "snapshot/snapshot_store.h"
#include "tests/snapshot/fake_index.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_fs.h"

// Stops every protocol of this layer at every step, and then kills the process or cuts the power. S1 … S4:
// snapshot_store.cc; L1 … L3: leases.cc.
namespace rawkv {
namespace {

constexpr size_t kRandomCrashes = 12;  // for each stop, in addition to the fixed kinds
const std::string kDir = "/store";

DiskImage EmptyDisk() {
  SimDisk disk{DiskImage()};
  RAWKV_CHECK(SimFs(disk, disk.Start()).MakeDir(kDir).ok(), "an empty disk");
  return disk.Image();
}

// A process on a simulated disk that holds `start`. FaultFs stops the process.
struct World {
  explicit World(const DiskImage& image = EmptyDisk()) : start(image), disk(image) { disk.Record(true); }
  SnapshotStore Open() { return {fs, clock, kDir, kStoreUuid}; }
  // Behaves as an overlay, also after the restart: a directory of the lower layer cannot be renamed.
  void KeepDirectories() {
    disk.KeepDirectories();
    keeps_directories = true;
  }
  // What a power cut at this place may leave. Ends the use of this world.
  CrashStates PowerCut() {
    CrashStates states(start);
    for (const TraceEvent& event : disk.TakeTrace()) states.Advance(event);
    return states;
  }

  const DiskImage start;
  SimDisk disk;
  SimFs healthy{disk, disk.Start()};
  FaultFs fs{healthy};
  FixedClock clock;
  bool keeps_directories = false;
};

// A power cut that loses every unsynced change.
const CrashPlan kLoseAll;

std::set<uint64_t> Listed(const SnapshotStore& store, std::vector<std::string>* damaged = nullptr) {
  std::set<uint64_t> versions;
  const Result<std::vector<SnapshotInfo>> infos = store.List(damaged);
  EXPECT_OK(infos);
  if (!infos.ok()) return versions;
  for (const SnapshotInfo& info : *infos) versions.insert(info.version.value());
  return versions;
}

void Publish(World& world, uint64_t version, bool make_current) {
  SnapshotStore store = world.Open();
  const FakeIndex index{Version(version)};
  ASSERT_TRUE(store.Publish(index.Callbacks(world.fs)).ok());
  if (make_current) {
    ASSERT_TRUE(store.SetCurrent(Version(version)).ok());
  }
}

struct Outcome {
  bool done = false;  // the act returned ok
  std::set<uint64_t> listed;
  uint64_t current = 0;
};

// Checks the rules that hold after any stop: every listed snapshot has correct content, no other directory
// has the name of a snapshot, and `current` names a listed one. A sweep durably removes everything else.
Outcome CheckAfterRestart(World& world, bool done) {
  SnapshotStore store = world.Open();
  Outcome outcome{.done = done, .listed = {}, .current = 0};
  std::vector<std::string> damaged;
  outcome.listed = Listed(store, &damaged);
  EXPECT_EQ(damaged, std::vector<std::string>());
  for (const uint64_t version : outcome.listed) {
    const FakeIndex index{Version(version)};
    const auto errors =
        store.Verify(Version(version), OneBranch(), ContentChecksummer(world.fs), index.Callbacks(world.fs));
    EXPECT_TRUE(errors.ok() && errors->empty()) << version << ": " << errors->front();
  }
  const Result<Version> current = store.Current();
  EXPECT_OK(current);
  if (current.ok()) outcome.current = current->value();
  EXPECT_TRUE(outcome.listed.contains(outcome.current)) << outcome.current;

  EXPECT_TRUE(store.Sweep().ok());
  const auto names = world.fs.List(kDir);
  EXPECT_EQ(names->size(), outcome.listed.size() + 1) << names->front() << " … " << names->back();
  // S4: a later power cut does not undo the visible state, on which a caller may rely.
  World later(Crash(world.PowerCut(), kLoseAll));
  EXPECT_EQ(Listed(later.Open()), outcome.listed);
  EXPECT_EQ(later.Open().Current()->value(), outcome.current);
  return outcome;
}

enum class Stops : uint8_t { kPowerCuts, kPowerCutsAndKills };

// For every operation of `act` that changes the disk: runs `prepare` and then `act`, stops it before the
// operation, cuts the power in every way, and calls `judge` with the world after it and with whether `act`
// had succeeded. A kill keeps unsynced changes, which a later power cut may still lose.
void StopEverywhere(Stops stops, const std::function<void(World&)>& prepare,
                    const std::function<Status(World&)>& act,
                    const std::function<void(World&, bool done)>& judge) {
  bool stopped = true;
  for (uint64_t stop = 0; stopped; ++stop) {
    World world;
    prepare(world);
    world.fs.Arm({.skip = stop});
    const bool done = act(world).ok();
    stopped = world.fs.fired();
    world.fs.Disarm();
    const CrashStates states = world.PowerCut();
    std::set<uint64_t> seen;
    for (const CrashPlan& plan : CrashPlans(stop, kRandomCrashes)) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      SCOPED_TRACE("stopped before operation " + std::to_string(stop) + ", " + Describe(plan));
      World after(image);
      if (world.keeps_directories) after.KeepDirectories();
      judge(after, done);
      if (testing::Test::HasFailure()) return;
    }
    if (stops == Stops::kPowerCuts) continue;
    SCOPED_TRACE("killed before operation " + std::to_string(stop));
    World killed;
    prepare(killed);
    killed.fs.Arm({.skip = stop});
    (void)act(killed).ok();
    killed.fs.Disarm();
    judge(killed, done);
    if (testing::Test::HasFailure()) return;
  }
}

void StopEverywhere(const std::function<void(World&)>& prepare, const std::function<Status(World&)>& act,
                    const std::function<void(const Outcome&)>& judge) {
  StopEverywhere(Stops::kPowerCutsAndKills, prepare, act,
                 [&](World& world, bool done) { judge(CheckAfterRestart(world, done)); });
}

TEST(SnapshotCrash, InterruptedPublishLeavesTheOldOrTheNewSet) {
  StopEverywhere([](World& world) { Publish(world, 3, true); },
                 [](World& world) {
                   const FakeIndex index{Version(7)};
                   return world.Open().Publish(index.Callbacks(world.fs)).status();
                 },
                 [](const Outcome& outcome) {
                   EXPECT_EQ(outcome.current, 3u);
                   EXPECT_TRUE(outcome.listed == (std::set<uint64_t>{3, 7}) ||
                               (!outcome.done && outcome.listed == std::set<uint64_t>{3}));
                 });
}

TEST(SnapshotCrash, RepublishNeverLosesTheGoodSnapshot) {
  StopEverywhere([](World& world) { Publish(world, 7, true); },
                 [](World& world) {
                   FakeIndex index{Version(7)};
                   index.salt = "another run";
                   return world.Open().Publish(index.Callbacks(world.fs)).status();
                 },
                 [](const Outcome& outcome) { EXPECT_EQ(outcome.listed, std::set<uint64_t>{7}); });
}

TEST(SnapshotCrash, InterruptedSetCurrentLeavesTheOldOrTheNewLink) {
  StopEverywhere(
      [](World& world) {
        Publish(world, 3, true);
        Publish(world, 7, false);
      },
      [](World& world) { return world.Open().SetCurrent(Version(7)); },
      [](const Outcome& outcome) {
        EXPECT_EQ(outcome.listed, (std::set<uint64_t>{3, 7}));
        EXPECT_TRUE(outcome.current == 7 || (!outcome.done && outcome.current == 3));
      });
}

class RemovalCrash : public testing::TestWithParam<bool> {};

TEST_P(RemovalCrash, InterruptedRemoveLeavesAllOrNothing) {
  StopEverywhere(
      [](World& world) {
        Publish(world, 3, true);
        Publish(world, 7, true);
        if (GetParam()) world.KeepDirectories();
      },
      [](World& world) { return world.Open().Remove(Version(3)); },
      [](const Outcome& outcome) {
        EXPECT_EQ(outcome.current, 7u);
        EXPECT_TRUE(outcome.listed == std::set<uint64_t>{7} ||
                    (!outcome.done && outcome.listed == (std::set<uint64_t>{3, 7})));
      });
}

INSTANTIATE_TEST_SUITE_P(, RemovalCrash, testing::Bool(),
                         [](const auto& test) { return test.param ? "InPlace" : "ByRename"; });

TEST(SnapshotCrash, InterruptedCycleNeverLeavesTheStoreWithoutABase) {
  StopEverywhere([](World& world) { Publish(world, 3, true); },
                 [](World& world) -> Status {
                   SnapshotStore store = world.Open();
                   const FakeIndex index{Version(7)};
                   RAWKV_RETURN_IF_ERROR(store.Publish(index.Callbacks(world.fs)).status());
                   RAWKV_RETURN_IF_ERROR(store.SetCurrent(Version(7)));
                   return store.Remove(Version(3));
                 },
                 [](const Outcome& outcome) {
                   if (outcome.done) {
                     EXPECT_EQ(outcome.listed, std::set<uint64_t>{7});
                   }
                 });
}

TEST(SnapshotCrash, ReplacementNeverShowsTheDamagedSnapshot) {
  const auto damage = [](World& world, uint64_t version) {
    const std::string manifest = JoinPath(world.Open().PathOf(Version(version)), "MANIFEST");
    ASSERT_TRUE(world.fs.RemoveFile(manifest).ok());
    ASSERT_TRUE(world.fs.SyncDir(ParentPath(manifest)).ok());
  };
  const FakeIndex index{Version(7)};
  StopEverywhere(
      Stops::kPowerCuts,
      [&](World& world) {
        Publish(world, 3, true);
        Publish(world, 7, false);
        damage(world, 7);
      },
      [&](World& world) { return world.Open().Publish(index.Callbacks(world.fs)).status(); },
      [&](World& world, bool done) {
        SnapshotStore store = world.Open();
        std::vector<std::string> damaged;
        const std::set<uint64_t> listed = Listed(store, &damaged);
        ASSERT_TRUE(listed.contains(3));
        ASSERT_TRUE(!done || listed.contains(7));
        if (listed.contains(7)) {
          ASSERT_TRUE(
              store.Verify(Version(7), OneBranch(), ContentChecksummer(world.fs), index.Callbacks(world.fs))
                  ->empty());
        }
        ASSERT_TRUE(damaged.empty() ||
                    damaged == std::vector<std::string>{SnapshotStore::DirName(Version(7))});
      });
}

TEST(SnapshotCrash, NextSweepFinishesAnInterruptedOne) {
  StopEverywhere(
      [](World& world) {
        Publish(world, 3, true);
        Publish(world, 7, true);
        ASSERT_TRUE(world.Open().MarkRemoved(Version(3)).ok());
        ASSERT_TRUE(world.fs.MakeDir(kDir + "/snapshot-staging.tmp").ok());
        ASSERT_TRUE(WriteNew(world.fs, kDir + "/snapshot-staging.tmp/x", "half").ok());
        ASSERT_TRUE(world.fs.Symlink("nowhere", kDir + "/current.tmp").ok());
      },
      [](World& world) { return world.Open().Sweep(); },
      [](const Outcome& outcome) { EXPECT_EQ(outcome.listed, std::set<uint64_t>{7}); });
}

// A full disk is not a crash: the same process continues.
TEST(SnapshotCrash, FailedPublishFreesItsSpaceAndCanBeRepeated) {
  World world;
  Publish(world, 3, true);
  const FakeIndex index{Version(7)};
  SnapshotCallbacks failing = index.Callbacks(world.fs);
  failing.fill = [fill = failing.fill](const std::string& dir) -> Result<std::vector<ManifestFile>> {
    RAWKV_RETURN_IF_ERROR(fill(dir).status());
    return Status::NoSpace("full");
  };
  EXPECT_EQ(world.Open().Publish(failing).status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(world.fs.List(kDir)->size(), 2u);
  EXPECT_TRUE(world.Open().Publish(index.Callbacks(world.fs)).ok());
}

// The second call finds the rename of the first, and must not assume that it is durable.
TEST(SnapshotCrash, RepeatedPublishIsDurableAfterAnyFailureOfTheFirst) {
  bool failed = true;
  for (size_t stop = 0; failed; ++stop) {
    World world;
    Publish(world, 3, true);
    const FakeIndex index{Version(7)};
    world.fs.Arm({.skip = stop});
    failed = !world.Open().Publish(index.Callbacks(world.fs)).ok();
    world.fs.Disarm();
    ASSERT_TRUE(world.Open().Publish(index.Callbacks(world.fs)).ok());
    World later(Crash(world.PowerCut(), kLoseAll));
    ASSERT_EQ(Listed(later.Open()), (std::set<uint64_t>{3, 7})) << "stopped before operation " << stop;
  }
}

TEST(PinsCrash, InterruptedSaveLeavesTheOldOrTheNewFile) {
  const PinTable before = {{"genesis", Version(1)}};
  const PinTable after = {{"genesis", Version(1)}, {"upgrade", Version(9)}};
  StopEverywhere(
      Stops::kPowerCuts, [&](World& world) { ASSERT_TRUE(SavePins(world.fs, kDir, before).ok()); },
      [&](World& world) { return SavePins(world.fs, kDir, after); },
      [&](World& world, bool done) {
        ASSERT_OK_AND_ASSIGN(const PinTable pins, LoadPins(world.fs, kDir));
        ASSERT_TRUE(pins == after || (!done && pins == before));
      });
}

TEST(LeaseCrash, NamedViewHasACompleteLease) {
  constexpr SealedKind kLeaseKind{.magic = "RKVLEASE", .format = 1, .name = "LEASE"};
  StopEverywhere(
      Stops::kPowerCuts, [](World&) {},
      [](World& world) {
        return Lease::Create(world.fs, world.clock, kDir, kStoreUuid, /*version=*/Version(9),
                             /*base=*/Version(7))
            .status();
      },
      [&](World& world, bool done) {
        const std::string dir = kDir + "/views/" + kStoreUuid.ToString();
        const bool exists = *Exists(world.fs, dir);
        ASSERT_TRUE(exists || !done);
        if (exists) {
          ASSERT_TRUE(ReadSealedFile(world.fs, dir + "/LEASE", kLeaseKind).ok());
        }
        ASSERT_TRUE(SweepViews(world.fs, kDir).ok());
        if (*Exists(world.fs, kDir + "/views")) {
          ASSERT_TRUE(world.fs.List(kDir + "/views")->empty());
        }
      });
}

}  // namespace
}  // namespace rawkv
