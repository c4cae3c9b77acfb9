// The power is cut at every place of a history with checkpoints, and then the store's directory is lost. The
// device alone must give back exactly one of the versions whose checkpoint may be on it (invariant 16).
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "engine/checkpoint/rebuild.h"
#include "engine/engine.h"
#include "tests/crash/sim_checks.h"
#include "tests/support/expect_status.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {
namespace {

constexpr char kDir[] = "/store";
constexpr char kDevice[] = "/device";
constexpr char kRebuilt[] = "/rebuilt";
constexpr uint64_t kSlots = 12;
constexpr uint64_t kDeviceBytes = 2 * 4096 + (64 << 10) + kSlots * 4096;

using Content = std::map<std::string, std::string>;

FormatOptions FormatOf(const Environment& env) {
  FormatOptions o;
  o.device = kDevice;
  o.capacity_bytes = kDeviceBytes;
  o.meta_total_bytes = 64 << 10;
  o.inline_bytes = 16;
  o.runtime = {.snapshot_interval = 0, .keep_recent = 0, .wal_segment_bytes = 64 << 10};
  o.env = env;
  return o;
}

OpenOptions OptionsOf(const Environment& env) {
  OpenOptions options = OpenOf(env);
  options.checkpoint_interval_ms = 0;
  return options;
}

std::unique_ptr<Engine> OpenOrFail(SimWorld& world) {
  Result<std::unique_ptr<Engine>> engine = Engine::Open(kDir, OptionsOf(world.env()));
  EXPECT_OK(engine);
  return engine.ok() ? *std::move(engine) : nullptr;
}

// Only the device of an image: the directory is lost.
DiskImage DeviceOf(const DiskImage& image) {
  DiskImage device;
  device.devices() = image.devices();
  return device;
}

std::string ReadAll(Engine& engine, Content* content) {
  const Result<std::unique_ptr<Iterator>> walk = engine.NewIterator();
  if (!walk.ok()) return walk.status().ToString();
  for ((*walk)->SeekToFirst(); (*walk)->Valid(); (*walk)->Next()) {
    const Result<std::string> value = (*walk)->ReadValue();
    if (!value.ok()) return value.status().ToString();
    (*content)[std::string((*walk)->key())] = *value;
  }
  return (*walk)->status().ok() ? "" : (*walk)->status().ToString();
}

Result<RebuildReport> Rebuild(SimWorld& world) {
  return RebuildStore(kRebuilt, {.device = kDevice, .verify_payload = true, .env = world.env()});
}

// Returns "" if the rebuilt store is whole and holds exactly the version.
std::string FindFault(SimWorld& world, uint64_t version, const Content& expected) {
  {
    OpenOptions options = OptionsOf(world.env());
    options.device = kDevice;
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(kRebuilt, options);
    if (!engine.ok()) return "open: " + engine.status().ToString();
    if ((*engine)->version() != Version(version)) return "version " + ToString((*engine)->version());
    Content content;
    const std::string fault = ReadAll(**engine, &content);
    if (!fault.empty()) return fault;
    if (content != expected) return "other content than that of version " + std::to_string(version);
    if (!(*engine)->Close().ok()) return "close";
  }
  return FindDamage(kRebuilt, world.env());
}

// What a rebuild may give at one moment of a history.
struct Bounds {
  std::optional<uint64_t>
      oldest;         // the newest checkpoint that was acknowledged; absent: there need not be one
  size_t branch = 0;  // whose versions they are
};

// A store whose every version is known.
class History {
 public:
  explicit History(SimWorld& world) : world_(world), engine_(OpenOrFail(world)) {
    branches_.push_back({{0, {}}});
    Mark();
  }

  void Put(const std::string& key, uint64_t slots) {
    const uint64_t version = engine_->version().value() + 1;
    Content& content = branches_.back()[version];
    content = branches_.back()[version - 1];
    content[key] = slots == 0 ? "inline" : std::to_string(version) + std::string(slots * 4096 - 8, 'v');
    WriteBatch batch;
    batch.Put(key, content[key]);
    ASSERT_OK(engine_->Commit(batch));
  }
  void Checkpoint() {
    ASSERT_OK(engine_->WriteCheckpoint());
    bounds_.oldest = engine_->version().value();
    Mark();
  }
  // Nothing but the checkpoints holds an older version any more, so the next commits reuse slots.
  void Forget() {
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  }
  // `oldest`: the checkpoint that the rollback leaves.
  void Rollback(uint64_t target, std::optional<uint64_t> oldest) {
    bounds_.oldest = oldest;
    Mark();
    ASSERT_OK(engine_->Rollback(Version(target)));
    std::map<uint64_t, Content> kept = branches_.back();
    std::erase_if(kept, [&](const auto& version) { return version.first > target; });
    branches_.push_back(std::move(kept));
    ++bounds_.branch;
    Mark();
  }
  void Close() {
    ASSERT_OK(engine_->Close());
    bounds_.oldest = engine_->version().value();
    Mark();
  }
  void Reopen() {
    Close();
    engine_ = OpenOrFail(world_);
  }

  const Bounds& BoundsFrom(uint64_t mark) const { return marks_[mark]; }
  const std::map<uint64_t, Content>& VersionsOf(size_t branch) const { return branches_[branch]; }

 private:
  void Mark() {
    world_.disk().Mark(marks_.size());
    marks_.push_back(bounds_);
  }

  SimWorld& world_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::map<uint64_t, Content>> branches_;  // the content by version
  Bounds bounds_;
  std::vector<Bounds> marks_;
};

// A closed store without a version, whose checkpoint is of version 0.
DiskImage Start() {
  SimWorld world(DiskImage(), 51);
  world.disk().AddDevice(kDevice, kDeviceBytes);
  EXPECT_TRUE(Engine::Format(kDir, FormatOf(world.env())).ok());
  return world.disk().Image();
}

std::string Judge(const DiskImage& image, const History& history, const Bounds& bounds, uint64_t seed) {
  SimWorld world(image, seed);
  const Result<RebuildReport> report = Rebuild(world);
  if (!report.ok()) {
    const bool refused = report.status().code() == StatusCode::kFailedPrecondition;
    return refused && !bounds.oldest ? "" : report.status().ToString();
  }
  if (!report->damaged.empty()) return report->damaged.front().error;
  const uint64_t version = report->version.value();
  if (version < bounds.oldest.value_or(0)) return "the checkpoint of a newer version is gone";
  const auto found = history.VersionsOf(bounds.branch).find(version);
  if (found == history.VersionsOf(bounds.branch).end())
    return "version " + std::to_string(version) + " is gone";
  return FindFault(world, version, found->second);
}

// Cuts the power at each change of the device, and loses the directory.
void CutPowerEverywhere(void (*run)(History&), size_t at_least) {
  const DiskImage start = Start();
  SimWorld world(start, 52);
  world.disk().Record(true);
  History history(world);
  ASSERT_NO_FATAL_FAILURE(run(history));
  history.Close();
  CrashStates states(start);
  Bounds bounds;
  std::set<uint64_t> seen;
  for (const TraceEvent& event : world.disk().TakeTrace()) {
    states.Advance(event);
    if (event.kind == TraceEvent::Kind::kMark) bounds = history.BoundsFrom(event.length);
    if (event.kind != TraceEvent::Kind::kDeviceWrite && event.kind != TraceEvent::Kind::kDeviceFlush)
      continue;
    for (const CrashPlan& plan : CrashPlans(states.place(), 3)) {
      const DiskImage image = DeviceOf(Crash(states, plan));
      if (!seen.insert(image.Hash()).second) continue;
      ASSERT_EQ(Judge(image, history, bounds, seen.size()), "")
          << "place " << states.place() << " (" << Describe(event) << "), " << Describe(plan);
    }
  }
  EXPECT_GE(seen.size(), at_least);
  std::printf("[   states ] %zu\n", seen.size());
}

TEST(CheckpointCrash, EveryWriteIsACrashPoint) {
  CutPowerEverywhere(
      [](History& history) {
        history.Checkpoint();
        history.Put("a", 2);
        history.Put("b", 0);
        history.Checkpoint();
        for (int round = 0; round < 3; ++round) {
          history.Put("a", 2);
          history.Forget();
        }
        history.Put("c", 1);
        history.Checkpoint();
        for (int round = 0; round < 4; ++round) {
          history.Put("a", 4);  // more than is free: the engine lets go of the older checkpoint
          history.Forget();
        }
        history.Reopen();
        history.Put("a", 2);
        history.Checkpoint();
      },
      50);
}

TEST(CheckpointCrash, RollbackLeavesNoCheckpointOfTheBranchThatItLeaves) {
  CutPowerEverywhere(
      [](History& history) {
        history.Put("a", 2);
        history.Checkpoint();
        history.Put("a", 3);
        history.Checkpoint();
        history.Rollback(1, 1);
        for (int round = 0; round < 3; ++round) {
          history.Put("a", 3);
          history.Forget();
        }
        history.Checkpoint();
        history.Put("a", 2);
        history.Rollback(4, 4);
        history.Put("b", 1);
        history.Checkpoint();
      },
      30);
}

TEST(CheckpointCrash, RollbackBelowEveryCheckpointLeavesNone) {
  CutPowerEverywhere(
      [](History& history) {
        history.Put("a", 2);
        history.Put("a", 3);
        history.Checkpoint();
        history.Put("b", 2);
        history.Checkpoint();
        history.Rollback(1, std::nullopt);
        for (int round = 0; round < 3; ++round) {
          history.Put("a", 3);
          history.Forget();
        }
        history.Checkpoint();
      },
      25);
}

TEST(CheckpointCrash, InterruptedRebuildBeginsAgain) {
  const Content content = {{"a", "1" + std::string(2 * 4096 - 8, 'v')}, {"b", "inline"}};
  DiskImage lost;
  {
    SimWorld world(Start(), 53);
    History history(world);
    history.Put("a", 2);
    history.Put("b", 0);
    history.Close();
    lost = DeviceOf(world.disk().Image());
  }
  SimWorld world(lost, 54);
  world.disk().Record(true);
  ASSERT_OK(Rebuild(world));
  CrashStates states(lost);
  std::set<uint64_t> seen;
  size_t opened = 0;
  for (const TraceEvent& event : world.disk().TakeTrace()) {
    states.Advance(event);
    for (const CrashPlan& plan : CrashPlans(states.place(), 1)) {
      const DiskImage image = Crash(states, plan);
      if (!seen.insert(image.Hash()).second) continue;
      SimWorld after(image, seen.size());
      OpenOptions options = OptionsOf(after.env());
      options.device = kDevice;
      const Status found = Engine::Open(kRebuilt, options).status();
      if (found.ok()) {
        ++opened;
      } else {
        ASSERT_EQ(found.code(), StatusCode::kNotFound) << found.ToString();
        ASSERT_OK(Rebuild(after)) << "place " << states.place() << ", " << Describe(plan);
      }
      ASSERT_EQ(FindFault(after, 2, content), "") << "place " << states.place() << ", " << Describe(plan);
    }
  }
  EXPECT_GE(seen.size(), 50u);
  EXPECT_GE(opened, 3u);
}

}  // namespace
}  // namespace rawkv
