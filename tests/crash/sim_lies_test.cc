// The disks omit one kind of sync. The exploration must detect each omission, which shows that it would
// detect a sync that the engine forgets. (Logic errors: tests/mutants.)
#include <gtest/gtest.h>

#include "tests/crash/sim_explorer.h"

namespace rawkv {
namespace {

using enum SimOp;

class SimLiesTest : public ::testing::Test {
 protected:
  static bool Ends(const TraceEvent& event, TraceEvent::Kind kind, std::string_view path_end) {
    return event.kind == kind && event.path.ends_with(path_end);
  }
  // Explores until a violation is found, and prints it with the number of states.
  static void ExpectFound(const SimDisk::Omit& lie, const std::vector<std::vector<SimOp>>& histories,
                          const SimConfig& config = {}) {
    ExploreOptions options{.config = config, .omit = lie};
    options.max_violations = 1;
    SimExplorer honest({.config = config, .random_plans = 1, .nest_one_in = 0, .per_mille = 20});
    SimExplorer explorer(options);
    for (const std::vector<SimOp>& ops : histories) {
      explorer.Explore(ops, true);
      honest.Explore(ops, true);
    }
    EXPECT_TRUE(honest.violations().empty()) << honest.violations().front().what;
    ASSERT_FALSE(explorer.violations().empty())
        << "no violation in " << explorer.counts().judged << " states";
    std::printf("[    found ] after %llu states: %s\n",
                static_cast<unsigned long long>(explorer.counts().judged),
                explorer.violations().front().what.c_str());
  }
};

TEST_F(SimLiesTest, MissingLogFileSyncIsDetected) {
  ExpectFound([](const TraceEvent& e) { return Ends(e, TraceEvent::Kind::kSyncFile, ".log"); },
              {{kCommitInline}});
}

TEST_F(SimLiesTest, MissingDeviceFlushIsDetected) {
  ExpectFound([](const TraceEvent& e) { return e.kind == TraceEvent::Kind::kDeviceFlush; },
              {{kCommitPayload}});
}

TEST_F(SimLiesTest, MissingLogDirectorySyncIsDetected) {
  // The second large commit begins this segment.
  ExpectFound([](const TraceEvent& e) { return Ends(e, TraceEvent::Kind::kSyncDir, "/wal"); },
              {{kFlush, kFlush, kCommitInline}});
}

TEST_F(SimLiesTest, MissingSegmentSyncBeforeItsRenameIsDetected) {
  ExpectFound([](const TraceEvent& e) { return Ends(e, TraceEvent::Kind::kSyncFile, ".log.tmp"); },
              {{kFlush, kFlush, kCommitInline}});
}

TEST_F(SimLiesTest, MissingStoreDirectorySyncIsDetected) {
  ExpectFound([](const TraceEvent& e) { return Ends(e, TraceEvent::Kind::kSyncDir, "/store"); },
              {{kSnapshot, kOverwrite}, {kRollback, kCommitInline}});
}

TEST_F(SimLiesTest, MissingStoreFileSyncIsDetected) {
  ExpectFound([](const TraceEvent& e) { return Ends(e, TraceEvent::Kind::kSyncFile, "STORE.tmp"); },
              {{kCommitInline}, {kRollback}});
}

TEST_F(SimLiesTest, MissingSnapshotFileSyncIsDetected) {
  ExpectFound(
      [](const TraceEvent& e) {
        return e.kind == TraceEvent::Kind::kSyncFile &&
               e.path.find("snapshot-staging.tmp") != std::string::npos;
      },
      {{kCommitInline, kSnapshot}});
}

TEST_F(SimLiesTest, MissingSnapshotDirectorySyncIsDetected) {
  ExpectFound(
      [](const TraceEvent& e) {
        return e.kind == TraceEvent::Kind::kSyncDir &&
               e.path.find("snapshot-staging.tmp") != std::string::npos;
      },
      {{kCommitInline, kSnapshot}});
}

TEST_F(SimLiesTest, MissingExportSyncIsDetected) {
  ExpectFound(
      [](const TraceEvent& e) {
        return e.kind != TraceEvent::Kind::kDeviceFlush && e.path.starts_with("/export");
      },
      {{kExport}});
}

}  // namespace
}  // namespace rawkv
