// Each repair of the damage table is stopped at every change that it makes to the filesystem, and repeated.
// The repeated repair must reach the same result. The suite stops at every second change;
// RAWKV_FAULTS=all stops at each.
#include <cstdlib>
#include <string_view>

#include "engine/admin/repair.h"
#include "tests/crash/damage_rows.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

uint64_t ChangesFromStopToStop() {
  const char* const faults = std::getenv("RAWKV_FAULTS");
  return faults != nullptr && std::string_view(faults) == "all" ? 1 : Share(2, 7);
}

class RepairStopTest : public DamageRows, public ::testing::WithParamInterface<Row> {};

TEST_P(RepairStopTest, StoppedRepairCanBeRepeated) {
  const Row& row = GetParam();
  const std::string dir = scratch_.File("store");
  size_t stops = 0;
  for (bool through = false; !through && !HasFatalFailure(); stops += ChangesFromStopToStop()) {
    SCOPED_TRACE("stopped at change " + std::to_string(stops));
    ASSERT_LT(stops, 1000u);
    FreshCopy();
    row.damage(dir);
    {
      FaultFs faulty(PosixFs());
      // Does not stop at changes of the throw-away clones that a check reads: they are not part of the store.
      const auto in_the_store = [](const FaultFs::Operation& operation) {
        return operation.path.find("/views") == std::string::npos && !operation.Is("lock");
      };
      faulty.Arm({.skip = stops, .status = Status::IoError("stopped here"), .matches = in_the_store});
      const Result<RepairReport> stopped = Repair(dir, row.gives_up, faulty);
      through = !faulty.fired();
      EXPECT_EQ(stopped.ok(), through) << stopped.status().ToString();
    }
    // Consents to what the new plan gives up: the stopped repair may have given up a part, or left a rollback
    // to be finished.
    Result<RepairReport> repaired = Repair(dir, row.gives_up);
    for (int again = 0; again < 2 && repaired.ok() && !repaired->agreed; ++again) {
      repaired = Repair(dir, repaired->plan.gives_up);
    }
    ASSERT_OK(repaired);
    ASSERT_TRUE(repaired->left.ok()) << Text(repaired->left);
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_NE(engine, nullptr);
    ASSERT_EQ(engine->version(), Version(row.tip));
    ASSERT_EQ(Content(*engine), State(row.tip));
    ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine->Info());
    for (const auto& [first, last] : info.reachable) {
      for (const Version v : {first, last}) EXPECT_EQ(Content(*engine, v), State(v.value()));
    }
    EXPECT_EQ(Put(*engine, "afterwards", std::string(6000, 'z')), Version(row.tip + 1));
    EXPECT_TRUE(engine->Close().ok());
    if (stops % 8 == 0) ExpectWhole(dir);
  }
  RecordProperty("stops", static_cast<int>(stops));
}

std::string NameOf(const ::testing::TestParamInfo<Row>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(SmallFiles, RepairStopTest, ::testing::ValuesIn(DamageRows::SmallFiles()), NameOf);
INSTANTIATE_TEST_SUITE_P(Indexes, RepairStopTest, ::testing::ValuesIn(DamageRows::Indexes()), NameOf);
INSTANTIATE_TEST_SUITE_P(Snapshots, RepairStopTest, ::testing::ValuesIn(DamageRows::Snapshots()), NameOf);
INSTANTIATE_TEST_SUITE_P(Logs, RepairStopTest, ::testing::ValuesIn(DamageRows::Logs()), NameOf);

}  // namespace
}  // namespace rawkv
