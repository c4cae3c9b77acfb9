// A sync of a directory fails once and the call returns an error, though its other changes took effect. The
// repeated call may return success only if the changes are durable.
#include <functional>

#include "base/fs_ops.h"
#include "tests/crash/store_fixture.h"
#include "tests/support/fault_fs.h"

namespace rawkv {
namespace {

using Act = std::function<Status(Engine&)>;

class FailedSyncTest : public StoreFixture {
 protected:
  // Makes a store of four versions with snapshots at 2 and 3.
  std::string Prepare() {
    const std::string dir = NewStore("prepared");
    const std::unique_ptr<Engine> engine = Open(dir);
    for (int v = 1; v <= 4; ++v) {
      Put(*engine, "key", std::string(5000, static_cast<char>('a' + v)));
      if (v == 2 || v == 3) EXPECT_TRUE(engine->CreateSnapshot().ok());
    }
    return dir;
  }

  static bool IsSyncOf(const std::string& dir, const FaultFs::Operation& o) {
    return o.Is("syncdir") && o.path == dir;
  }

  // Whether the directory was synced after the last change of a name in `trace`.
  static bool IsSynced(const std::string& dir, const std::vector<FaultFs::Operation>& trace) {
    bool synced = false;
    for (const FaultFs::Operation& o : trace) {
      const bool names = o.Is("create") || o.Is("mkdir") || o.Is("unlink") || o.Is("rmdir") ||
                         o.Is("rename") || o.Is("link") || o.Is("symlink");
      if (IsSyncOf(dir, o)) synced = true;
      // Leftovers may come back after a power cut.
      const bool leftover = o.path.ends_with(".tmp") || o.path.ends_with(".removing");
      if (names && !leftover && ParentPath(o.path) == dir) synced = false;
    }
    return synced;
  }

  // Lets each sync of the store's directory in `act` fail in turn, and repeats `act`.
  void FailEachSync(const Act& act) {
    const std::string prepared = Prepare();
    uint64_t skip = 0;
    for (bool fired = true; fired; ++skip) {
      SCOPED_TRACE("sync " + std::to_string(skip));
      ASSERT_LT(skip, 100u);
      const std::string dir = CopyOf(prepared, "copy");
      FaultFs fs(PosixFs());
      const std::unique_ptr<Engine> engine = Open(dir, Quiet(fs));
      ASSERT_NE(engine, nullptr);
      fs.Arm({.skip = skip, .reach = FaultFs::Reach::kOnce, .matches = [&](const FaultFs::Operation& o) {
                return IsSyncOf(dir, o);
              }});
      const Status first = act(*engine);
      fired = fs.fired();
      fs.Disarm();
      EXPECT_EQ(first.ok(), !fired) << first.ToString();
      fs.ClearTrace();
      EXPECT_OK(act(*engine));
      EXPECT_TRUE(IsSynced(dir, fs.trace()));
    }
    EXPECT_GT(skip, 1u) << "the call syncs nothing: the test shows nothing";
  }
};

TEST_F(FailedSyncTest, RepeatedSnapshotIsDurable) {
  FailEachSync([](Engine& e) { return e.CreateSnapshot().status(); });
}

TEST_F(FailedSyncTest, RepeatedPinIsDurable) {
  FailEachSync([](Engine& e) { return e.Pin("name", Version(2)).status(); });
}

TEST_F(FailedSyncTest, RepeatedPinOfAVersionWithoutASnapshotIsDurable) {
  FailEachSync([](Engine& e) { return e.Pin("name", Previous(e.version())).status(); });
}

TEST_F(FailedSyncTest, RepeatedPinOfTheTipIsDurable) {
  FailEachSync([](Engine& e) { return e.Pin("name").status(); });
}

// A prune frees slots and drops log permanently, so that the removal of the snapshots must be durable first.
TEST_F(FailedSyncTest, RepeatedPruneReclaimsOnlyAfterDurableRemoval) {
  FailEachSync([](Engine& e) { return e.Prune(0).status(); });
}

// The name of the directory of a new store or export must be durable, too.
TEST_F(FailedSyncTest, RepeatedFormatAndExportAreDurable) {
  const std::string parent = scratch_.path();
  FaultFs fs(PosixFs());
  const std::unique_ptr<Engine> engine = Open(Prepare(), Quiet(fs));
  FormatOptions format;
  format.device = scratch_.File("device");
  format.capacity_bytes = 4 << 20;
  format.env = Quiet(fs).env;
  const std::vector<std::function<Status()>> acts = {
      [&] { return Engine::Format(scratch_.File("new"), format).status(); },
      [&] { return engine->Export({.version = Version(4), .out = scratch_.File("export")}); }};
  for (const auto& act : acts) {
    fs.Arm({.reach = FaultFs::Reach::kOnce,
            .matches = [&](const FaultFs::Operation& o) { return IsSyncOf(parent, o); }});
    EXPECT_EQ(act().code(), StatusCode::kIoError);
    EXPECT_TRUE(fs.fired());
    fs.ClearTrace();
    EXPECT_OK(act());
    EXPECT_TRUE(IsSynced(parent, fs.trace()));
  }
}

}  // namespace
}  // namespace rawkv
