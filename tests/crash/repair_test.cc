// The damage table of docs/repair.md, row by row: what fsck finds, what a repair keeps and gives up.
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
  // Opens, reads every version that is said to be reachable, goes on working, and is whole at the end.
  void ExpectGoodStore(const std::string& dir, const Row& row) {
    {
      const std::unique_ptr<Engine> engine = Open(dir);
      ASSERT_NE(engine, nullptr);
      ASSERT_EQ(engine->version(), Version(row.tip));
      EXPECT_EQ(Content(*engine), State(row.tip));
      const Result<EngineInfo> info = engine->Info();
      ASSERT_TRUE(info.ok()) << info.status().ToString();
      std::set<uint64_t> readable;
      for (const auto& [first, last] : info->reachable) {
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
  const std::string dir = Fresh();
  row.damage(dir);
  if (HasFatalFailure()) return;
  const auto before = Look(dir);
  const CheckReport found = Check(dir);
  EXPECT_EQ(Kinds(found), row.kinds) << Text(found);
  EXPECT_FALSE(found.findings.empty() && found.notes.empty()) << "told in any case";

  const RepairPlan plan = Plan(dir);
  EXPECT_EQ(plan.hopeless, "");
  EXPECT_EQ(plan.gives_up, row.gives_up) << ::testing::PrintToString(plan.gives_up.size());
  EXPECT_EQ(plan.tip, Version(row.tip));
  std::set<std::string> actions;
  for (const RepairStep& step : plan.steps) actions.insert(step.action);
  EXPECT_EQ(actions, row.actions);
  EXPECT_EQ(Look(dir), before) << "neither check nor plan change anything";

  if (plan.needs_confirmation()) {
    const Result<RepairReport> refused = Repair(dir, Of({{77, 77}}));
    ASSERT_TRUE(refused.ok()) << refused.status().ToString();
    EXPECT_FALSE(refused->agreed);
    EXPECT_FALSE(refused->left.ok()) << "what was not agreed to is still to be found";
    EXPECT_EQ(Plan(dir).gives_up, row.gives_up);
  }
  const Result<RepairReport> repaired = Repair(dir, row.gives_up);
  ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
  EXPECT_TRUE(repaired->agreed);
  EXPECT_TRUE(repaired->left.ok()) << Text(repaired->left);
  for (const std::string& name : row.aside) EXPECT_TRUE(fs::exists(dir + "/" + name)) << name;
  EXPECT_TRUE(Plan(dir).steps.empty()) << "nothing is left to do";
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
  const Result<std::string> page = ReadFile(PosixFs(), std::string(RAWKV_DOCS_DIR) + "/repair.md", 1 << 20);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  for (const auto& rows : {SmallFiles(), Indexes(), Snapshots(), Logs()}) {
    for (const Row& row : rows) EXPECT_NE(page->find("`" + row.name + "`"), std::string::npos) << row.name;
  }
}

// What nothing can put right is told with the key and the version that wrote it, and nothing else is lost.
TEST_F(RepairCase, PayloadsAreListedByKeyAndVersion) {
  const std::string dir = Fresh();
  FlipPayload(dir, 11);
  FlipPayload(dir, 4);  // overwritten since, reachable in snapshot 5
  EXPECT_TRUE(CheckStore(dir, {}, Quiet())->ok()) << "payloads are read only when asked for";
  const CheckReport found = Check(dir);
  ASSERT_EQ(found.findings.size(), 2u) << Text(found);
  EXPECT_EQ(found.findings[0].where, "payload2");
  EXPECT_EQ(found.findings[0].version, Version(11));
  EXPECT_EQ(found.findings[1].where, "payload1");
  EXPECT_EQ(found.findings[1].version, Version(4));
  const Result<RepairReport> repaired = Repair(dir, std::nullopt);
  ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
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
  // Written anew, the tip is whole.
  Put(*engine, "payload2", State(kTip).at("payload2"));
  EXPECT_EQ(Content(*engine), State(kTip));
}

// Slots leaked before a snapshot was made come back with every rebuild of the index, until a snapshot
// without them is there: the repair makes one where versions have come since.
TEST_F(RepairCase, LeakedSlotsAreFreedInASnapshotToo) {
  const std::string dir = Fresh();
  ChangeIndex(dir + "/working/index", Leak);
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->CreateSnapshot().ok());
    Put(*engine, "payload0", std::string(5000, 'n'));
  }
  const Result<RepairReport> repaired = Repair(dir, std::nullopt);
  ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
  EXPECT_TRUE(repaired->left.ok()) << Text(repaired->left);
  EXPECT_TRUE(fs::exists(SnapshotDir(dir, 13)));
  fs::remove_all(dir + "/working");
  ExpectWhole(dir);
  const std::unique_ptr<Engine> engine = Open(dir);
  const SlotUse slots = engine->Info()->slots;
  EXPECT_EQ(slots.live, 6u);
  EXPECT_EQ(slots.live + slots.pinned + slots.reclaimable + slots.free, slots.total);
}

// A pin whose snapshot is gone, and no log leads there.
TEST_F(RepairCase, PinOfALostVersionIsRemovedWithConsent) {
  const std::string dir = Fresh();
  {
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_TRUE(engine->Pin("mine", Version(0)).ok());
  }
  fs::remove_all(SnapshotDir(dir, 0));
  const CheckReport found = Check(dir);
  EXPECT_EQ(Kinds(found), std::set<std::string>{"snapshot"}) << Text(found);
  EXPECT_EQ(found.findings.front().version, Version(0));
  EXPECT_NE(found.findings.front().message.find("pin mine"), std::string::npos) << Text(found);
  EXPECT_FALSE(Repair(dir, std::nullopt)->agreed) << "a version is given up with it";
  const Result<RepairReport> repaired = Repair(dir, Of({{0, 0}}));
  ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
  EXPECT_TRUE(repaired->left.ok()) << Text(repaired->left);
  EXPECT_EQ(Content(*Open(dir)), State(kTip));
}

// Without STORE, or without any superblock, nothing says how the rest belongs together: told, untouched.
TEST_F(RepairCase, DamageToStoreOrBothSuperblocksIsReportedAndNothingChanges) {
  for (const bool store : {true, false}) {
    const std::string dir = Fresh();
    if (store) {
      FlipByte(dir + "/STORE", 60);
    } else {
      FlipByte(dir + "/device.img", 100);
      FlipByte(dir + "/device.img", 4196);
    }
    const auto before = Look(dir);
    EXPECT_EQ(Kinds(Check(dir)), std::set<std::string>{store ? "store" : "superblock"});
    EXPECT_NE(Plan(dir).hopeless, "");
    const Result<RepairReport> report = Repair(dir, Ranges());
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_TRUE(report->repaired.empty());
    EXPECT_FALSE(report->left.ok());
    EXPECT_EQ(Look(dir), before);
  }
}

// No state is whole: everything stays where it is.
TEST_F(RepairCase, WithoutAWholeStateNothingChanges) {
  const std::string dir = Fresh();
  for (const uint64_t v : {0, 5, 9}) FlipByte(SnapshotDir(dir, v) + "/MANIFEST", 60);
  fs::remove_all(dir + "/working");
  const auto before = Look(dir);
  EXPECT_NE(Plan(dir).hopeless, "");
  const Result<RepairReport> report = Repair(dir, Plan(dir).gives_up);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_TRUE(report->repaired.empty());
  EXPECT_EQ(Look(dir), before);
}

// A rollback that took effect, its marker unreadable: STORE's chain is enough to finish by.
TEST_F(RepairCase, UnreadableMarkerOfARollbackIsRepaired) {
  const std::string prepared = Fresh("prepared");
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
    const Result<RepairReport> repaired = Repair(dir, Plan(dir).gives_up);
    ASSERT_TRUE(repaired.ok()) << repaired.status().ToString();
    EXPECT_TRUE(repaired->left.ok()) << Text(repaired->left);
    const std::unique_ptr<Engine> engine = Open(dir);
    ASSERT_NE(engine, nullptr);
    ASSERT_TRUE(engine->version() == Version(7) || engine->version() == Version(12));
    EXPECT_EQ(Content(*engine), State(engine->version().value()));
    EXPECT_EQ(Content(*engine, Version(6)), State(6));
  }
  EXPECT_GT(seen, 20u);
}

// Opening heals a damaged `current` by itself: another one is used, the damaged one moved aside.
TEST_F(RepairCase, OpenMovesADamagedCurrentAside) {
  const std::string dir = Fresh();
  FlipByte(SnapshotDir(dir, 9) + "/MANIFEST", 60);
  const std::unique_ptr<Engine> engine = Open(dir);
  EXPECT_EQ(Content(*engine), State(kTip));
  EXPECT_TRUE(fs::exists(SnapshotDir(dir, 9) + ".damaged"));
  EXPECT_EQ(engine->Info()->current, Version(5));
  EXPECT_EQ(Content(*engine, Version(10)), State(10));
}

}  // namespace
}  // namespace rawkv
