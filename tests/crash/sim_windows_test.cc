// Crash windows in the simulated world, one test each.
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/admin/inspect.h"
#include "tests/crash/sim_explorer.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

class SimWindowsTest : public ::testing::Test {
 protected:
  static ExploreOptions With(const SimConfig& config, uint64_t seed) {
    ExploreOptions o;
    o.config = config;
    o.seed = seed;
    return o;
  }
  static void ExpectKept(const SimExplorer& explorer, uint64_t at_least) {
    for (const Violation& v : explorer.violations()) {
      ADD_FAILURE() << v.what << "\n" << v.history << "\nlog of the engine:\n" << v.log << v.image;
    }
    EXPECT_GE(explorer.counts().judged, at_least);
    std::printf("[   states ] %s\n", Report(explorer.counts(), 0, 0).c_str());
  }
};

using enum SimOp;

// The process is killed in a commit. The next process finds the record in the kernel's caches and adopts it.
// Then the power is cut. Every version that the open adopted must stay.
TEST_F(SimWindowsTest, PowerCutKeepsAnAdoptedTail) {
  SimExplorer synced(With({}, TestSeed(11)));
  for (const SimOp op : {kCommitInline, kCommitPayload, kMultiKey}) synced.ExploreKills({op});
  ExpectKept(synced, 40);
  SimExplorer unsynced(With({.durability = Durability::kUnsafeUnsynced}, TestSeed(12)));
  for (const SimOp op : {kCommitInline, kMultiKey, kDelete}) unsynced.ExploreKills({kCommitPayload, op});
  unsynced.ExploreKills({kFlush, kCommitInline});
  ExpectKept(unsynced, 30);
}

// A process is killed in a rollback or a snapshot, and the power is cut while the next process finishes or
// undoes it.
TEST_F(SimWindowsTest, PowerCutWhileAKilledRollbackIsRecoveredKeepsThePromises) {
  ExploreOptions options = With({}, TestSeed(13));
  options.random_plans = 0;
  options.per_mille = 300;
  SimExplorer explorer(options);
  explorer.ExploreKills({kRollback});
  explorer.ExploreKills({kSnapshot});
  ExpectKept(explorer, 100);
}

// Keeps those blocks of unsynced log records whose bit in `mask` is set, and all other changes.
class LogBlocks final : public CrashChooser {
 public:
  LogBlocks(const CrashStates& states, uint64_t mask) : log_(states.PendingContentOf(".log")), mask_(mask) {}
  uint64_t block_bytes() const override { return 512; }
  size_t Block(Medium, uint64_t, const std::vector<size_t>& changes) override {
    if (std::find(log_.begin(), log_.end(), changes.back()) == log_.end()) return changes.size();
    return (mask_ >> asked_++) % 2 == 0 ? 0 : changes.size();
  }
  size_t Size(const std::vector<size_t>& changes) override { return changes.size(); }
  bool Entry(size_t) override { return true; }
  size_t blocks() const { return asked_; }

 private:
  const std::vector<size_t> log_;
  const uint64_t mask_;
  size_t asked_ = 0;
};

class UnsyncedTail : public SimWindowsTest {
 protected:
  // Commits three records that are unsynced in the log. Everything else is synced.
  void MakeTail() {
    SimWorld world(DiskImage(), 21);
    SimStore store(world, config_, 21);
    ASSERT_TRUE(store.Format().ok());
    ASSERT_TRUE(store.MakeStartHistory().ok());
    start_ = world.disk().Image();
    world.disk().Record(true);
    ASSERT_TRUE(store.Open(store.promises().back()).ok());
    ASSERT_TRUE(store.engine().Sync().ok());
    for (const SimOp op : {kMultiKey, kCommitInline, kMultiKey}) ASSERT_TRUE(store.Run(op).ok());
    promise_ = store.promises().back();
    ASSERT_EQ(promise_.model.tip().value() - promise_.durable.value(), 3u);
    states_.emplace(start_);
    for (const TraceEvent& event : world.disk().TakeTrace()) states_->Advance(event);
    LogBlocks all(*states_, ~uint64_t{0});
    (void)states_->Build(all);
    blocks_ = all.blocks();
    ASSERT_GE(blocks_, 3u);
    ASSERT_LE(blocks_, 12u);
  }

  const SimConfig config_{.durability = Durability::kUnsafeUnsynced};
  DiskImage start_;
  Promise promise_;
  std::optional<CrashStates> states_;
  size_t blocks_ = 0;
};

TEST_F(UnsyncedTail, AnySubsetOfUnsyncedLogBlocksRecovers) {
  MakeTail();
  std::set<Version> tips;
  for (uint64_t mask = 0; mask < uint64_t{1} << blocks_; ++mask) {
    LogBlocks chooser(*states_, mask);
    const DiskImage image = states_->Build(chooser);
    const Verdict verdict = Judge(image, {&promise_, nullptr}, config_, {.record = true}, mask);
    ASSERT_EQ(verdict.problem, "") << "mask " << mask << "\n" << verdict.log << image.Describe();
    tips.insert(verdict.promises.front().model.tip());
  }
  // The tips after none, some and all of the records. (Two records may share a block.)
  EXPECT_GE(tips.size(), 3u);
  EXPECT_TRUE(tips.contains(promise_.durable));
  EXPECT_TRUE(tips.contains(promise_.model.tip()));
}

// An open overwrites a torn tail with zeros. The power is cut during that, and again in the next open.
TEST_F(UnsyncedTail, PowerCutWhileRecoveryCutsTheTailRecovers) {
  MakeTail();
  size_t cuts = 0;
  std::set<uint64_t> seen;
  for (uint64_t mask = 1; mask < uint64_t{1} << blocks_ && cuts < 4; ++mask) {
    LogBlocks chooser(*states_, mask);
    const DiskImage torn = states_->Build(chooser);
    const Verdict first =
        Judge(torn, {&promise_, nullptr}, config_, {.continue_working = false, .record = true}, mask);
    ASSERT_EQ(first.problem, "");
    if (first.log.find("cut after version") == std::string::npos) continue;
    ++cuts;
    CrashStates states(torn);
    for (const TraceEvent& event : first.trace) {
      if (event.kind == TraceEvent::Kind::kMark) break;
      states.Advance(event);
      for (const CrashPlan& plan : CrashPlans(mask, 2)) {
        const DiskImage image = Crash(states, plan);
        if (!seen.insert(image.Hash()).second) continue;
        // The open has not finished: every state that was allowed before is still allowed.
        const Verdict again = Judge(image, {&promise_, nullptr}, config_,
                                    {.continue_working = seen.size() % 8 == 0}, (mask << 32) + seen.size());
        ASSERT_EQ(again.problem, "") << Describe(event) << ", " << Describe(plan) << "\n" << again.log;
      }
    }
  }
  EXPECT_EQ(cuts, 4u);
  std::printf("[   states ] %zu cuts interrupted, %zu distinct states judged\n", cuts, seen.size());
}

// Without renames, snapshots and the working index that a rollback replaces are marked and deleted in place.
TEST_F(SimWindowsTest, PowerCutKeepsThePromisesWhereDirectoriesCannotBeRenamed) {
  ExploreOptions options = With({.keeps_directories = true}, TestSeed(16));
  options.per_mille = 300;
  SimExplorer explorer(options);
  explorer.Explore({kSnapshot, kOverwrite, kSnapshot, kPrune, kCommitPayload}, true);
  explorer.Explore({kSnapshot, kCommitInline, kRollback, kCommitPayload}, true);
  explorer.ExploreKills({kSnapshot, kRollback});
  explorer.ExploreKills({kSnapshot, kPrune});
  ExpectKept(explorer, 200);
}

TEST_F(SimWindowsTest, PowerCutKeepsThePromisesOfUnsyncedMode) {
  ExploreOptions options = With({.durability = Durability::kUnsafeUnsynced}, TestSeed(14));
  options.per_mille = 500;
  SimExplorer explorer(options);
  explorer.Explore({kMultiKey, kSnapshot, kCommitPayload}, true);
  explorer.Explore({kSnapshot, kOverwrite, kPrune, kCommitPayload}, true);
  explorer.Explore({kCommitInline, kFlush, kSnapshot, kRollback}, true);
  ExpectKept(explorer, 200);
}

// The index flush runs concurrently with commits. The test does not wait for its threads, so that each run
// has the flush at another moment.
TEST_F(SimWindowsTest, PowerCutDuringAnIndexFlushKeepsThePromises) {
  for (const Durability durability : {Durability::kSynced, Durability::kUnsafeUnsynced}) {
    ExploreOptions options = With({.durability = durability, .await_index = false}, TestSeed(15));
    options.random_plans = 2;
    options.per_mille = 300;
    SimExplorer explorer(options);
    for (int run = 0; run < 6; ++run) {
      explorer.Explore({kFlush, kCommitPayload, kCommitInline, kOverwrite}, true);
      explorer.Explore({kMultiKey, kFlush, kFlush, kDelete}, true);
    }
    ExpectKept(explorer, 60);
  }
}

// A power cut tears the last record of RocksDB's manifest. That is no damage to the store, because the
// working index is rebuilt. (The exploration found this.)
TEST_F(SimWindowsTest, TornIndexManifestIsANoteAndIsRebuilt) {
  SimWorld world(DiskImage(), 31);
  SimStore store(world, {}, 31);
  ASSERT_TRUE(store.Format().ok());
  ASSERT_TRUE(store.MakeStartHistory().ok());
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, world.fs().List("/store/working/index"));
  for (const std::string& name : names) {
    if (!name.starts_with("MANIFEST-")) continue;
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> manifest,
                         world.fs().Open("/store/working/index/" + name, OpenMode::kReadWrite));
    ASSERT_TRUE(manifest->WriteAt(*manifest->Size() - 20, AsBytes("torn")).ok());
  }
  const OpenOptions options = SimStore::Options(world.env(), {});
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(SimStore::kDir, {}, options));
  EXPECT_TRUE(report.ok()) << report.findings.front().message;
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_NE(report.notes.front().find("does not open"), std::string::npos) << report.notes.front();
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, Engine::Open(SimStore::kDir, options));
  EXPECT_EQ(engine->version(), Version(4));
}

}  // namespace
}  // namespace rawkv
