// Views of one old version share one index. The engine keeps it for a while when the last of them is closed,
// and a kept index holds nothing: no slots, no snapshot, no rollback and no close
// (docs/adr/0034-a-clone-that-was-closed-is-kept.md).

#include <filesystem>
#include <functional>
#include <future>
#include <utility>

#include "tests/engine/engine_fixture.h"
#include "tests/support/fs_seam.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class SharedViewTest : public EngineTest {
 protected:
  // Versions 1 … 8 overwrite one slot of `k`. Old versions are replayed.
  void SetUp() override {
    open_.settings.undo_versions = 0;
    FormatAndOpen();
    Overwrite("k", 8);
  }

  // The numbers of views that got an index of their own, and that used one that was there.
  std::pair<uint64_t, uint64_t> BuiltAndShared() {
    const EngineStats stats = engine_->stats();
    return {stats.views_built, stats.views_shared};
  }
  // The directories of clones.
  size_t Clones() const {
    if (!fs::exists(Path("views"))) return 0;
    const fs::directory_iterator views(Path("views"));
    return static_cast<size_t>(std::distance(begin(views), end(views)));
  }
  std::string GetIn(const ReadView& view) {
    const Result<Value> value = engine_->Get("k", {.view = &view});
    EXPECT_OK(value);
    return value.ok() ? value->bytes : "";
  }
  using Counts = std::pair<uint64_t, uint64_t>;
};

TEST_F(SharedViewTest, SecondViewOfAVersionReplaysNothing) {
  const auto first = View(Version(3));
  EXPECT_EQ(BuiltAndShared(), Counts(1, 0));
  auto second = View(Version(3));
  EXPECT_EQ(BuiltAndShared(), Counts(1, 1));
  EXPECT_EQ(Clones(), 1u);
  EXPECT_EQ(GetIn(*first), GetIn(*second));
  ASSERT_OK_AND_ASSIGN(const CommitRecord commit, engine_->GetCommit(Version(3)));
  EXPECT_EQ(commit.version, Version(3));
  second.reset();
  EXPECT_EQ(Clones(), 1u) << "the first view still uses the index";
  EXPECT_NE(GetIn(*first), "");
  EXPECT_NE(Get("k", Version(4)), GetIn(*first)) << "another version has another index";
  EXPECT_EQ(BuiltAndShared(), Counts(2, 1));
}

TEST_F(SharedViewTest, IndexIsKeptWhenTheLastViewIsClosed) {
  const std::string value = Get("k", Version(3));
  EXPECT_EQ(Clones(), 1u);
  ASSERT_OK_AND_ASSIGN(const ReplayEstimate estimate, engine_->EstimateView(Version(3)));
  EXPECT_EQ(estimate.replay_records, 0u);
  EXPECT_EQ(Get("k", Version(3)), value);
  EXPECT_EQ(BuiltAndShared(), Counts(1, 1));
  EXPECT_EQ(Clones(), 1u);
}

TEST_F(SharedViewTest, NewestFourAreKept) {
  for (const uint64_t v : {1, 2, 3, 4, 5}) Get("k", Version(v));
  EXPECT_EQ(Clones(), 4u);
  for (const uint64_t v : {5, 4, 3, 2}) Get("k", Version(v));
  EXPECT_EQ(BuiltAndShared(), Counts(5, 4));
  Get("k", Version(1));
  EXPECT_EQ(BuiltAndShared(), Counts(6, 4));
  EXPECT_EQ(Clones(), 4u);
  Get("k", Version(2));
  EXPECT_EQ(BuiltAndShared(), Counts(6, 5)) << "the oldest of them, 5, made room";
}

TEST_F(SharedViewTest, IndexWithoutRoomInMemoryIsNotKept) {
  open_.block_cache_bytes = 0;
  Reopen();
  Get("k", Version(3));
  EXPECT_EQ(Clones(), 0u);
}

TEST_F(SharedViewTest, IndexOfAFailedReplayIsNotKept) {
  const std::string segment = Path("wal/" + SegmentName(Version(1)));
  fs::rename(segment, segment + ".away");
  EXPECT_STATUS(engine_->OpenView(Version(3)), StatusCode::kCorruption);
  EXPECT_EQ(Clones(), 0u);
  EXPECT_EQ(BuiltAndShared(), Counts(0, 0));
  fs::rename(segment + ".away", segment);
  EXPECT_NE(Get("k", Version(3)), "");
  EXPECT_EQ(BuiltAndShared(), Counts(1, 0));
}

TEST_F(SharedViewTest, KeptIndexHoldsNoSlots) {
  ASSERT_OK(engine_->CreateSnapshot());
  Put("k", OneSlot(100));
  Get("k", Version(3));
  ASSERT_EQ(Clones(), 1u);
  EXPECT_EQ(PinnedBy("view", "3"), 0u);
  for (const rawkv::PinnedBy& holder : Info().pinned_by) EXPECT_EQ(holder.kind, "snapshot") << holder.name;
}

TEST_F(SharedViewTest, PruneDropsAKeptIndexAndFreesItsSlots) {
  ASSERT_OK(engine_->CreateSnapshot());
  Get("k", Version(3));
  const uint64_t free = Info().slots.free;
  ASSERT_OK_AND_ASSIGN(const std::vector<Version> removed, engine_->Prune(0));
  EXPECT_EQ(removed, std::vector<Version>{Version(0)});
  EXPECT_EQ(Clones(), 0u);
  EXPECT_EQ(Info().slots.free, free + 7) << "all but the newest of eight values are gone";
  EXPECT_STATUS(engine_->OpenView(Version(3)), StatusCode::kVersionUnreachable);
}

TEST_F(SharedViewTest, PruneLeavesAnIndexThatAViewUses) {
  ASSERT_OK(engine_->CreateSnapshot());
  auto view = View(Version(3));
  const std::string value = GetIn(*view);
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(GetIn(*view), value);
  Overwrite("other", 20);
  EXPECT_EQ(GetIn(*view), value) << "its slot was given out";
  EXPECT_STATUS(engine_->OpenView(Version(3)), StatusCode::kVersionUnreachable);
  view.reset();
  ASSERT_OK(engine_->Prune());
  EXPECT_EQ(Clones(), 0u);
}

TEST_F(SharedViewTest, DeletedSnapshotDropsAKeptIndex) {
  ASSERT_OK(engine_->CreateSnapshot());
  Put("k", OneSlot(100));
  ASSERT_OK(engine_->CreateSnapshot());
  Get("k", Version(3));
  ASSERT_OK(engine_->DeleteSnapshot(Version(8)));
  EXPECT_EQ(Clones(), 0u);
}

TEST_F(SharedViewTest, RollbackDropsAKeptIndexAndIsNotBlocked) {
  const std::string old = Get("k", Version(5));
  ASSERT_OK(engine_->Rollback(Version(3)));
  EXPECT_EQ(Clones(), 0u);
  Put("k", OneSlot(100));
  Put("k", OneSlot(101));
  Put("k", OneSlot(102));
  EXPECT_EQ(Get("k", Version(5)), OneSlot(101));
  EXPECT_NE(old, OneSlot(101));
}

TEST_F(SharedViewTest, CloseDropsAKeptIndex) {
  Get("k", Version(3));
  ASSERT_EQ(Clones(), 1u);
  Close();
  EXPECT_EQ(Clones(), 0u);
  EXPECT_FALSE(logger_.Warned("views/")) << "the directory was removed before its index was closed";
  Open();
}

TEST_F(SharedViewTest, CommitsUseTheSlotsOfAKeptIndexOnAFullDevice) {
  const uint64_t slots = Info().slots.total;
  Get("k", Version(3));
  ASSERT_EQ(Clones(), 1u);
  Overwrite("k", slots);  // history has to be given up for this
  EXPECT_EQ(Clones(), 0u);
}

TEST_F(SharedViewTest, ExportAndSnapshotOfAnOldVersionDoNotDisturbAView) {
  const auto view = View(Version(3));
  const std::string value = GetIn(*view);
  ASSERT_OK(engine_->Export({.version = Version(3), .out = tmp_.File("out"), .progress = {}}));
  EXPECT_EQ(BuiltAndShared(), Counts(1, 1));
  ASSERT_OK(engine_->Pin("three", Version(3)));  // flushes an index of its own
  EXPECT_EQ(BuiltAndShared(), Counts(2, 1));
  EXPECT_EQ(GetIn(*view), value);
}

// A reader in another process lets go of the version: the writer would keep it as long as it sees the lease.
TEST_F(SharedViewTest, ReaderAlongsideAWriterSharesButKeepsNothing) {
  OpenOptions reading = open_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, Engine::Open(dir_, reading));
  const size_t own = Clones();  // that of the reader's tip
  {
    ASSERT_OK_AND_ASSIGN(const auto first, reader->OpenView(Version(3)));
    ASSERT_OK_AND_ASSIGN(const auto second, reader->OpenView(Version(3)));
    EXPECT_EQ(reader->stats().views_shared, 1u);
    EXPECT_EQ(Clones(), own + 1);
  }
  EXPECT_EQ(Clones(), own);
  ASSERT_OK(reader->Close());
}

// Calls `act` on another thread before each operation below views/.
class ActingFs final : public FsSeam {
 public:
  ActingFs() : FsSeam(PosixFs()) {}
  std::function<void()> act;
  uint64_t acted = 0;

 private:
  Status Before(const FsOperation& operation, bool*) override {
    if (operation.path.find("/views/") == std::string::npos || act == nullptr) return Status::Ok();
    const std::function<void()> now = std::exchange(act, nullptr);  // not for the operations of `act`
    std::async(std::launch::async, now).get();
    act = now;
    ++acted;
    return Status::Ok();
  }
};

class OwnLeasesTest : public EngineTest {
 protected:
  OwnLeasesTest() {
    open_.env.fs = &fs_;
    open_.status_interval_ms = 0;  // the operations of that thread are not meant
    open_.block_cache_bytes = 0;   // no clone is kept
    open_.settings.undo_versions = 0;
  }
  // Plans a rollback before each operation of `work` below views/.
  void PlanDuring(const std::function<void()>& work) {
    fs_.acted = 0;
    fs_.act = [this] {
      const Result<RollbackPlan> plan = engine_->PlanRollback(Version(3));
      ASSERT_OK(plan);
      for (const std::string& text : plan->blocked_by) {
        EXPECT_EQ(text.find("lease"), std::string::npos) << text << ", and this process is the only one";
      }
    };
    work();
    fs_.act = nullptr;
    EXPECT_GT(fs_.acted, 5u);
  }
  ActingFs fs_;
};

TEST_F(OwnLeasesTest, CloneThatIsMadeOrDeletedBlocksNoRollback) {
  FormatAndOpen();
  Overwrite("k", 8);
  PlanDuring([&] { EXPECT_OK(engine_->Pin("p", Version(6))); });
  auto view = View(Version(5));
  ASSERT_NE(view, nullptr);
  ASSERT_OK_AND_ASSIGN(const RollbackPlan plan, engine_->PlanRollback(Version(3)));
  EXPECT_EQ(plan.blocked_by, (std::vector<std::string>{"pin p at version 6", "view 5 at version 5"}));
  PlanDuring([&] { view.reset(); });
  Close();
}

}  // namespace
}  // namespace rawkv
