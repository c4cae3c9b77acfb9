// Snapshot publication, prune, rollback and import are stopped at every change that they make to the
// filesystem. A new process must then find either the old or the new state, and a store that works.
#include <functional>
#include <set>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/api/results.h"
#include "engine/recovery/rollback_steps.h"
#include "engine/transfer/transfer.h"
#include "tests/crash/store_fixture.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

class StepsTest : public StoreFixture {
 protected:
  using Act = std::function<Status(Engine&)>;
  using Judge = std::function<void(Engine&)>;

  // Makes a store of 12 versions with inline and payload values, and snapshots at 0, 5 and 9.
  std::string Prepare() {
    const std::string dir = NewStore("prepared");
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 12; ++v) {
      WriteBatch batch;
      batch.Put("inline" + std::to_string(v % 4), "value " + std::to_string(v));
      batch.Put("payload" + std::to_string(v % 3), std::string(5000 + v, static_cast<char>('a' + v)));
      EXPECT_TRUE(engine->Commit(batch).ok());
      if (v == 5 || v == 9) EXPECT_TRUE(engine->CreateSnapshot().ok());
      states_[Version(v)] = Content(*engine);
    }
    return dir;
  }

  // Stops `act` at its 1st, 2nd, … change until it finishes without a stop. Reopens the store after each
  // stop.
  void StopEverywhere(const Act& act, const Judge& judge) {
    const std::string prepared = Prepare();
    size_t stops = 0;
    for (bool through = false; !through && !HasFatalFailure(); stops += Share(1, 3)) {
      SCOPED_TRACE("stopped at change " + std::to_string(stops));
      ASSERT_LT(stops, 1000u);
      const std::string dir = CopyOf(prepared, "copy");
      {
        FaultFs fs(PosixFs());
        OpenOptions options = Quiet(fs);
        options.settings.undo_versions = undo_versions_;
        const std::unique_ptr<Engine> engine = Open(dir, options);
        ASSERT_NE(engine, nullptr);
        fs.Arm({.skip = stops, .status = Status::IoError("stopped here")});
        const Status status = act(*engine);
        through = !fs.fired();
        if (through) EXPECT_OK(status);
        // The fault stays armed, so that no change of the closing engine reaches the disk.
      }
      ExpectWhole(dir);
      const std::unique_ptr<Engine> engine = Open(dir);
      ASSERT_NE(engine, nullptr);
      judge(*engine);
      Put(*engine, "afterwards", std::string(6000, 'z'));
      EXPECT_TRUE(engine->CreateSnapshot().ok());
      EXPECT_TRUE(engine->Close().ok());
      ExpectWhole(dir);
    }
    RecordProperty("stops", static_cast<int>(stops));
    EXPECT_GT(stops, 5u) << "the call made too few changes: the test shows nothing";
  }

  // Rolls back to a version between two snapshots.
  void StopRollbackEverywhere() {
    std::set<uint64_t> outcomes;
    StopEverywhere([](Engine& e) { return e.Rollback(Version(7)); },
                   [&](Engine& e) {
                     outcomes.insert(e.version().value());
                     ASSERT_TRUE(e.version() == Version(7) || e.version() == Version(12))
                         << e.version().value();
                     EXPECT_EQ(Content(e), states_[e.version()]);
                     EXPECT_EQ(Content(e, Version(6)), states_[Version(6)]);
                   });
    EXPECT_EQ(outcomes.size(), 2u) << "expected stops before and after the switch";
  }

  std::map<Version, std::map<std::string, std::string>> states_;
  std::optional<uint64_t> undo_versions_;  // of the engine that is stopped
};

TEST_F(StepsTest, SnapshotIsPublishedOrNot) {
  StopEverywhere([](Engine& e) { return e.CreateSnapshot().status(); },
                 [&](Engine& e) {
                   EXPECT_EQ(e.version(), Version(12));
                   EXPECT_EQ(Content(e), states_[Version(12)]);
                   EXPECT_EQ(Content(e, Version(9)), states_[Version(9)]);
                 });
}

// The log before the snapshot is so long that the snapshot begins another segment.
TEST_F(StepsTest, SnapshotThatBeginsASegmentIsPublishedOrNot) {
  std::set<size_t> segments;
  StopEverywhere(
      [](Engine& e) {
        WriteBatch batch;
        for (int i = 0; i < 1100; ++i) batch.Put("bulk" + std::to_string(i), std::string(1000, 'b'));
        const CommitResult bulk = e.Commit(batch);
        return bulk.ok() ? e.CreateSnapshot().status() : bulk.status;
      },
      [&](Engine& e) {
        const Version tip = e.version();
        ASSERT_TRUE(tip == Version(12) || tip == Version(13)) << tip.value();
        EXPECT_EQ(Content(e).contains("bulk1099"), tip == Version(13));
        EXPECT_EQ(Content(e, Version(12)), states_[Version(12)]);
        EXPECT_EQ(Content(e, Version(9)), states_[Version(9)]);
        ASSERT_OK_AND_ASSIGN(const std::vector<LogSegmentRow> rows, ListLog(scratch_.File("copy"), Quiet()));
        segments.insert(rows.size());
      });
  EXPECT_EQ(segments, (std::set<size_t>{1, 2})) << "expected stops before and after the segment begins";
}

TEST_F(StepsTest, StoppedPruneKeepsReachableVersions) {
  StopEverywhere([](Engine& e) { return e.Prune(0).status(); },
                 [&](Engine& e) {
                   EXPECT_EQ(Content(e), states_[Version(12)]);
                   ASSERT_OK_AND_ASSIGN(const EngineInfo info, e.Info());
                   const Version first = info.reachable.front().first;
                   if (first != Version(0)) EXPECT_EQ(Content(e, first), states_[first]);
                 });
}

TEST_F(StepsTest, RollbackBetweenSnapshotsHappensOrNot) {
  StopRollbackEverywhere();
}

TEST_F(StepsTest, RollbackWithoutUndoRecordsHappensOrNot) {
  undo_versions_ = 0;
  StopRollbackEverywhere();
}

TEST_F(StepsTest, RollbackToASnapshotHappensOrNot) {
  StopEverywhere([](Engine& e) { return e.Rollback(Version(5)); },
                 [&](Engine& e) {
                   ASSERT_TRUE(e.version() == Version(5) || e.version() == Version(12))
                       << e.version().value();
                   EXPECT_EQ(Content(e), states_[e.version()]);
                 });
}

TEST_F(StepsTest, StoppedRecoveryOfARollbackIsResumed) {
  const std::string prepared = Prepare();
  for (size_t first = 0; first < 200; first += Share(3, 11)) {
    const std::string dir = CopyOf(prepared, "copy");
    bool through = false;
    {
      FaultFs fs(PosixFs());
      const std::unique_ptr<Engine> engine = Open(dir, Quiet(fs));
      fs.Arm({.skip = first});
      (void)engine->Rollback(Version(7));
      through = !fs.fired();
    }
    for (size_t second = 0; second < 60; second += 7) {
      SCOPED_TRACE("stopped at " + std::to_string(first) + ", then at " + std::to_string(second));
      FaultFs fs(PosixFs());
      fs.Arm({.skip = second});
      (void)Engine::Open(dir, Quiet(fs));
    }
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_NE(engine, nullptr);
    ASSERT_TRUE(engine->version() == Version(7) || engine->version() == Version(12));
    EXPECT_EQ(Content(*engine), states_[engine->version()]);
    ASSERT_TRUE(engine->Close().ok());
    ExpectWhole(dir);
    if (through) break;
  }
}

TEST_F(StepsTest, ImportMakesAStoreOrNothing) {
  const std::string prepared = Prepare();
  const std::string exported = scratch_.File("export");
  {
    const std::unique_ptr<Engine> engine = Open(prepared);
    ASSERT_TRUE(engine->Export({.version = Version(12), .out = exported}).ok());
  }
  size_t stops = 0;
  for (bool through = false; !through; stops += Share(1, 3)) {
    SCOPED_TRACE("stopped at change " + std::to_string(stops));
    ASSERT_LT(stops, 1000u);
    FaultFs fs(PosixFs());
    fs.Arm({.skip = stops});
    ImportOptions import{.in = exported};
    import.format.capacity_bytes = 16 << 20;
    import.format.slot_bytes = 8192;
    import.format.env.fs = &fs;
    import.format.env.logger = &NullLogger();
    const std::string dir = scratch_.File("imported");
    const Result<FormatResult> result = ImportStore(dir, import);
    through = !fs.fired();
    if (through) {
      ASSERT_OK(result);
    }
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(dir, Quiet());
    if (!engine.ok()) {
      EXPECT_EQ(engine.status().code(), StatusCode::kNotFound) << engine.status().ToString();
      continue;
    }
    EXPECT_EQ((*engine)->version(), Version(12));
    EXPECT_EQ(Content(**engine), states_[Version(12)]);
    ASSERT_TRUE((*engine)->Close().ok());
    ASSERT_TRUE(RemoveTree(PosixFs(), dir).ok());
  }
  EXPECT_GT(stops, 10u);
}

TEST(RollbackStepTable, SwitchDividesUndoFromFinish) {
  RollbackPhase reached = RollbackPhase::kPrepare;
  std::vector<std::string> switches;
  for (const RollbackStep& step : RollbackSteps()) {
    EXPECT_LE(reached, step.phase) << step.name;
    reached = step.phase;
    if (step.phase == RollbackPhase::kSwitch) switches.push_back(step.name);
  }
  EXPECT_EQ(switches, std::vector<std::string>{"switch"}) << "expected one step with the phase kSwitch";
  EXPECT_STREQ(RollbackSteps().front().name, "mark");
  EXPECT_STREQ(RollbackSteps().back().name, "unmark");
}

}  // namespace
}  // namespace rawkv
