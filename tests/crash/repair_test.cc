// The damage table of docs/repair.md: for each row, the findings of fsck, and the versions that a repair
// keeps and gives up.
#include <algorithm>
#include <filesystem>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "tests/crash/damage_rows.h"
#include "tests/support/fault_fs.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

bool Holds(const Ranges& ranges, uint64_t version) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& r) {
    return r.first <= Version(version) && Version(version) <= r.second;
  });
}

class RepairTest : public DamageRows, public ::testing::WithParamInterface<Row> {
 protected:
  // Opens the store, reads every reachable version, commits and makes a snapshot. fsck must find nothing at
  // the end.
  void ExpectGoodStore(const std::string& dir, const Row& row) {
    {
      const std::unique_ptr<Engine> engine = Open(dir);
      ASSERT_NE(engine, nullptr);
      ASSERT_EQ(engine->version(), Version(row.tip));
      EXPECT_EQ(Content(*engine), State(row.tip));
      ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine->Info());
      std::set<uint64_t> readable;
      for (const auto& [first, last] : info.reachable) {
        for (uint64_t v = first.value(); v <= last.value(); ++v) {
          EXPECT_EQ(Content(*engine, Version(v)), State(v)) << "version " << v;
          readable.insert(v);
        }
      }
      for (uint64_t v = 0; v <= kTip; ++v) {
        const bool lost = Holds(row.gives_up, v) || Holds(row.gone, v);
        EXPECT_EQ(readable.count(v) != 0, !lost) << "version " << v;
      }
      EXPECT_EQ(Put(*engine, "afterwards", std::string(6000, 'z')), Version(row.tip + 1));
      EXPECT_TRUE(engine->CreateSnapshot().ok());
      EXPECT_TRUE(engine->Close().ok());
    }
    ExpectWhole(dir);
  }
};

TEST_P(RepairTest, DamageIsFoundAndRepaired) {
  const Row& row = GetParam();
  const std::string dir = FreshCopy();
  row.damage(dir);
  if (HasFatalFailure()) return;
  const auto before = DescribeFiles(dir);
  const CheckReport found = Check(dir);
  EXPECT_EQ(Kinds(found), row.kinds) << Text(found);
  EXPECT_FALSE(found.findings.empty() && found.notes.empty()) << "expected a finding or a note";

  const RepairPlan plan = Plan(dir);
  EXPECT_EQ(plan.hopeless, "");
  EXPECT_EQ(plan.gives_up, row.gives_up) << ::testing::PrintToString(plan.gives_up.size());
  EXPECT_EQ(plan.tip, Version(row.tip));
  std::set<std::string> actions;
  for (const RepairStep& step : plan.steps) actions.insert(step.action);
  EXPECT_EQ(actions, row.actions);
  EXPECT_EQ(DescribeFiles(dir), before) << "the check or the plan changed a file";

  if (plan.needs_confirmation()) {
    const Result<RepairReport> refused = Repair(dir, Of({{77, 77}}));
    ASSERT_OK(refused);
    EXPECT_FALSE(refused->agreed);
    EXPECT_FALSE(refused->left.ok()) << "the damage is gone though the repair was refused";
    EXPECT_EQ(Plan(dir).gives_up, row.gives_up);
  }
  ASSERT_OK_AND_ASSIGN(const RepairReport repaired, Repair(dir, row.gives_up));
  EXPECT_TRUE(repaired.agreed);
  EXPECT_TRUE(repaired.left.ok()) << Text(repaired.left);
  for (const std::string& name : row.aside) EXPECT_TRUE(fs::exists(dir + "/" + name)) << name;
  EXPECT_TRUE(Plan(dir).steps.empty()) << "the repair left a step";
  ExpectGoodStore(dir, row);
  for (const std::string& name : row.aside) EXPECT_TRUE(fs::exists(dir + "/" + name)) << "swept: " << name;
}

std::string NameOf(const ::testing::TestParamInfo<Row>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(SmallFiles, RepairTest, ::testing::ValuesIn(DamageRows::SmallFiles()), NameOf);
INSTANTIATE_TEST_SUITE_P(Indexes, RepairTest, ::testing::ValuesIn(DamageRows::Indexes()), NameOf);
INSTANTIATE_TEST_SUITE_P(Snapshots, RepairTest, ::testing::ValuesIn(DamageRows::Snapshots()), NameOf);
INSTANTIATE_TEST_SUITE_P(Logs, RepairTest, ::testing::ValuesIn(DamageRows::Logs()), NameOf);

class RepairCase : public DamageRows {};

TEST_F(RepairCase, EveryRowIsInTheDocument) {
  ASSERT_OK_AND_ASSIGN(const std::string page,
                       ReadFile(PosixFs(), std::string(RAWKV_DOCS_DIR) + "/repair.md", 1 << 20));
  for (const auto& rows : {SmallFiles(), Indexes(), Snapshots(), Logs()}) {
    for (const Row& row : rows) EXPECT_NE(page.find("`" + row.name + "`"), std::string::npos) << row.name;
  }
}

// A damaged payload cannot be repaired. Its finding names the key and the version that wrote it, and nothing
// else is lost.
TEST_F(RepairCase, PayloadsAreListedByKeyAndVersion) {
  const std::string dir = FreshCopy();
  FlipPayload(dir, 11);
  FlipPayload(dir, 4);  // overwritten since, reachable in snapshot 5
  EXPECT_TRUE(CheckStore(dir, {}, Quiet())->ok()) << "a check that is not deep read payloads";
  const CheckReport found = Check(dir);
  ASSERT_EQ(found.findings.size(), 2u) << Text(found);
  EXPECT_EQ(found.findings[0].where, "payload2");
  EXPECT_EQ(found.findings[0].version, Version(11));
  EXPECT_EQ(found.findings[1].where, "payload1");
  EXPECT_EQ(found.findings[1].version, Version(4));
  const Result<RepairReport> repaired = Repair(dir, std::nullopt);
  ASSERT_OK(repaired);
  EXPECT_TRUE(repaired->repaired.empty());
  EXPECT_EQ(repaired->left.findings.size(), 2u);
  const std::unique_ptr<Engine> engine = Open(dir);
  for (const auto& [key, value] : State(kTip)) {
    const Result<Value> got = engine->Get(key);
    if (key == "payload2") {
      EXPECT_EQ(got.status().code(), StatusCode::kCorruption);
    } else {
      ASSERT_TRUE(got.ok()) << key << got.status().ToString();
      EXPECT_EQ(got->bytes, value);
    }
  }
  // Writing the value again makes the tip whole.
  Put(*engine, "payload2", State(kTip).at("payload2"));
  EXPECT_EQ(Content(*engine), State(kTip));
}

// A snapshot that was made after a leak brings the leak back with every rebuild of the index, until there is
// a snapshot without it. The repair makes one if there are versions after the last snapshot.
TEST_F(RepairCase, LeakedSlotsAreFreedInASnapshotToo) {
  const std::string dir = FreshCopy();
  ChangeIndex(dir + "/working/index", Leak);
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->CreateSnapshot().ok());
    Put(*engine, "payload0", std::string(5000, 'n'));
  }
  ASSERT_OK_AND_ASSIGN(const RepairReport repaired, Repair(dir, std::nullopt));
  EXPECT_TRUE(repaired.left.ok()) << Text(repaired.left);
  EXPECT_TRUE(fs::exists(SnapshotDir(dir, 13)));
  fs::remove_all(dir + "/working");
  ExpectWhole(dir);
  const std::unique_ptr<Engine> engine = Open(dir);
  const SlotUse slots = engine->Info()->slots;
  EXPECT_EQ(slots.live, 6u);
  EXPECT_EQ(slots.live + slots.pinned + slots.reclaimable + slots.free, slots.total);
}

// The snapshot of a pin is missing, and no log leads to its version.
TEST_F(RepairCase, PinOfALostVersionIsRemovedWithConsent) {
  const std::string dir = FreshCopy();
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->Pin("mine", Version(0)).ok());
  }
  fs::remove_all(SnapshotDir(dir, 0));
  const CheckReport found = Check(dir);
  EXPECT_EQ(Kinds(found), std::set<std::string>{"snapshot"}) << Text(found);
  EXPECT_EQ(found.findings.front().version, Version(0));
  EXPECT_NE(found.findings.front().message.find("pin mine"), std::string::npos) << Text(found);
  EXPECT_FALSE(Repair(dir, std::nullopt)->agreed) << "the repair gave up a version without consent";
  ASSERT_OK_AND_ASSIGN(const RepairReport repaired, Repair(dir, Of({{0, 0}})));
  EXPECT_TRUE(repaired.left.ok()) << Text(repaired.left);
  EXPECT_EQ(Content(*Open(dir)), State(kTip));
}

// There is no whole state: the repair changes nothing.
TEST_F(RepairCase, WithoutAWholeStateNothingChanges) {
  const std::string dir = FreshCopy();
  for (const uint64_t v : {0, 5, 9}) FlipByte(SnapshotDir(dir, v) + "/MANIFEST", 60);
  fs::remove_all(dir + "/working");
  const auto before = DescribeFiles(dir);
  EXPECT_NE(Plan(dir).hopeless, "");
  ASSERT_OK_AND_ASSIGN(const RepairReport report, Repair(dir, Plan(dir).gives_up));
  EXPECT_TRUE(report.repaired.empty());
  EXPECT_EQ(DescribeFiles(dir), before);
}

// The marker of a stopped rollback is unreadable. STORE's chain shows whether the rollback took effect, and
// the repair finishes or undoes it.
TEST_F(RepairCase, UnreadableMarkerOfARollbackIsRepaired) {
  const std::string prepared = FreshCopy("prepared");
  size_t seen = 0;
  for (size_t stop = 0;; ++stop) {
    SCOPED_TRACE("rollback stopped at change " + std::to_string(stop));
    ASSERT_LT(stop, 500u);
    const std::string dir = CopyOf(prepared, "store");
    FaultFs faulty(PosixFs());
    faulty.Arm({.skip = stop});
    (void)OfflineRollback(dir, Version(7), {}, Quiet(faulty));
    if (!faulty.fired()) break;
    if (!fs::exists(dir + "/ROLLBACK")) continue;
    ++seen;
    FlipByte(dir + "/ROLLBACK", 30);
    EXPECT_EQ(Engine::Open(dir, Quiet()).status().code(), StatusCode::kCorruption);
    ASSERT_OK_AND_ASSIGN(const RepairReport repaired, Repair(dir, Plan(dir).gives_up));
    EXPECT_TRUE(repaired.left.ok()) << Text(repaired.left);
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_NE(engine, nullptr);
    ASSERT_TRUE(engine->version() == Version(7) || engine->version() == Version(12));
    EXPECT_EQ(Content(*engine), State(engine->version().value()));
    EXPECT_EQ(Content(*engine, Version(6)), State(6));
  }
  EXPECT_GT(seen, 20u);
}

// An open repairs a damaged `current` snapshot: it uses another snapshot and moves the damaged one aside.
TEST_F(RepairCase, OpenMovesADamagedCurrentAside) {
  const std::string dir = FreshCopy();
  FlipByte(SnapshotDir(dir, 9) + "/MANIFEST", 60);
  const std::unique_ptr<Engine> engine = Open(dir);
  EXPECT_EQ(Content(*engine), State(kTip));
  EXPECT_TRUE(fs::exists(SnapshotDir(dir, 9) + ".damaged"));
  EXPECT_EQ(engine->Info()->current, Version(5));
  EXPECT_EQ(Content(*engine, Version(10)), State(10));
}

}  // namespace
}  // namespace rawkv
