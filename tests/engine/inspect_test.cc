// Inspection without the store's lock: of a store that nobody has open, and next to a writer, whose own
// status the file STATUS has.
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/admin/inspect.h"
#include "engine/live/writer_status.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/fault_fs.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class InspectTest : public EngineTest {
 protected:
  EngineInfo Inspect() const {
    const Result<EngineInfo> info = InspectStore(dir_, open_);
    EXPECT_OK(info);
    return info.ok() ? *info : EngineInfo();
  }
  // Versions with payload, a snapshot in the middle, and overwritten values.
  void MakeHistory() {
    FormatAndOpen();
    Overwrite("k", 3);
    ASSERT_OK(engine_->CreateSnapshot());
    Overwrite("k", 3);
    Put("l", OneSlot(7));
  }
  // Expects that an inspection of the closed store reports what an open finds, and changes no file.
  void ExpectSameAsAnOpenAndNothingChanged() {
    const auto before = Listing();
    const EngineInfo seen = Inspect();
    EXPECT_EQ(Listing(), before);
    EXPECT_EQ(seen.health, "ok");
    EXPECT_OK(seen.unopenable);
    EXPECT_FALSE(seen.writer.has_value());
    Open();
    const EngineInfo opened = Info();
    EXPECT_EQ(seen.version, opened.version);
    EXPECT_LE(seen.durable_version, seen.version);
    EXPECT_EQ(seen.reachable, opened.reachable);
    EXPECT_EQ(seen.current, opened.current);
    EXPECT_EQ(seen.slots.at_version, opened.slots.at_version);
    EXPECT_EQ(seen.slots.live, opened.slots.live);
    EXPECT_EQ(seen.slots.pinned, opened.slots.pinned);
    EXPECT_EQ(seen.slots.reclaimable, opened.slots.reclaimable);
    EXPECT_EQ(seen.slots.free, opened.slots.free);
    EXPECT_EQ(seen.pinned_shared, opened.pinned_shared);
  }
  void CopyAsKilled() {
    ASSERT_EQ(std::system(("cp -a --sparse=always '" + dir_ + "' '" + dir_ + ".killed'").c_str()), 0);
    Close();
    dir_ += ".killed";
  }
};

TEST_F(InspectTest, ClosedStore) {
  MakeHistory();
  Close();
  ExpectSameAsAnOpenAndNothingChanged();
}

TEST_F(InspectTest, NewStore) {
  Format();
  ExpectSameAsAnOpenAndNothingChanged();
}

TEST_F(InspectTest, StoreOfAKilledWriter) {
  MakeHistory();
  CopyAsKilled();
  EXPECT_TRUE(fs::exists(Path("STATUS"))) << "of the killed writer";
  ExpectSameAsAnOpenAndNothingChanged();
}

TEST_F(InspectTest, TornTailIsLeftToTheNextOpen) {
  MakeHistory();
  CopyAsKilled();
  std::string last;
  for (const auto& entry : fs::directory_iterator(Path("wal"))) last = std::max(last, entry.path().string());
  ASSERT_OK_AND_ASSIGN(const std::vector<LogSegmentRow> segments, ListLog(dir_, open_));
  // Changes a byte in the last record, which no later record proves to be durable.
  std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), {});
  const size_t end = content.find_last_not_of('\0');
  file.clear();
  file.seekp(static_cast<std::streamoff>(end - 4));
  file.put(static_cast<char>(content[end - 4] ^ 1));
  file.close();
  ExpectSameAsAnOpenAndNothingChanged();
  EXPECT_EQ(engine_->version(), Version(6));
}

TEST_F(InspectTest, StoreWithoutItsWorkingIndex) {
  MakeHistory();
  Close();
  fs::remove_all(Path("working"));
  ExpectSameAsAnOpenAndNothingChanged();
}

TEST_F(InspectTest, LeaseOfAReaderHoldsItsSlots) {
  MakeHistory();
  Close();
  OpenOptions options = open_;
  options.read_only = true;
  auto reader = Engine::Open(dir_, options);
  ASSERT_OK(reader);
  Open();
  Overwrite("k", 1);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  Close();
  const EngineInfo info = Inspect();
  EXPECT_TRUE(std::any_of(info.pinned_by.begin(), info.pinned_by.end(),
                          [](const auto& holder) { return holder.kind == "lease"; }));
}

TEST_F(InspectTest, InterruptedRollbackIsReportedAndLeft) {
  MakeHistory();
  Close();
  std::ofstream(Path("ROLLBACK")) << "damaged";
  const auto before = Listing();
  const EngineInfo info = Inspect();
  EXPECT_EQ(info.version, Version(7));
  EXPECT_NE(info.health, "ok");
  EXPECT_STATUS(info.unopenable, StatusCode::kCorruption, "ROLLBACK");
  EXPECT_EQ(Listing(), before);
  fs::remove(Path("ROLLBACK"));
}

TEST_F(InspectTest, DamageIsReportedAndNothingChanges) {
  MakeHistory();
  Close();
  whole_at_the_end_ = false;
  fs::remove_all(Path("wal"));
  const auto before = Listing();
  const EngineInfo info = Inspect();
  EXPECT_STATUS(info.unopenable, StatusCode::kCorruption, "wal");
  EXPECT_EQ(info.health, info.unopenable.ToString());
  EXPECT_EQ(Listing(), before);
}

class StatusTest : public InspectTest {
 protected:
  StatusTest() { open_.status_interval_ms = 1; }
  // Inspects the store until its writer reports what `expected` accepts.
  WriterStatus Await(const std::function<bool(const WriterStatus&)>& expected) const {
    for (;;) {
      const EngineInfo info = Inspect();
      if (HasFailure()) return {};
      if (info.writer && info.writer->status && expected(*info.writer->status)) return *info.writer->status;
      std::this_thread::yield();
    }
  }
  static bool Has(const WriterStatus& status, const std::string& activity) {
    return std::any_of(status.activities.begin(), status.activities.end(),
                       [&](const WriterActivity& a) { return a.what == activity; });
  }
};

TEST_F(StatusTest, WriterReportsItsState) {
  MakeHistory();
  const WriterStatus status = Await([](const WriterStatus& s) { return s.version == Version(7); });
  const EngineInfo own = Info();
  EXPECT_EQ(status.state, "open");
  EXPECT_EQ(status.health, "ok");
  EXPECT_EQ(status.durable_version, Version(7));
  EXPECT_EQ(status.slots_total, own.slots.total);
  EXPECT_EQ(status.slots_free, own.slots.free);
  EXPECT_EQ(status.engine_used, own.engine_used);
  EXPECT_GE(status.unix_ms, status.opened_unix_ms);
  const EngineInfo info = Inspect();
  ASSERT_TRUE(info.writer.has_value());
  EXPECT_EQ(info.writer->pid, ::getpid());
  EXPECT_EQ(info.version, Version(7));
  EXPECT_EQ(info.slots.at_version, Version(3)) << "the version of `current`";
  OpenOptions options = open_;
  options.read_only = true;
  const auto reader = Engine::Open(dir_, options);
  ASSERT_OK(reader);
  ASSERT_OK_AND_ASSIGN(const EngineInfo from_reader, (*reader)->Info());
  EXPECT_TRUE(from_reader.writer && from_reader.writer->status);
}

TEST_F(StatusTest, IsRemovedByAClose) {
  MakeHistory();
  EXPECT_TRUE(fs::exists(Path("STATUS")));
  Close();
  EXPECT_FALSE(fs::exists(Path("STATUS")));
  EXPECT_FALSE(fs::exists(Path("STATUS.new")));
}

TEST_F(StatusTest, IsNotShownAsThatOfAnotherWriter) {
  FormatAndOpen();
  Close();
  WriterInfo dead{.pid = ::getpid() + 1, .host = "vm", .status = WriterStatus{}};
  ASSERT_OK(SaveWriterStatus(PosixFs(), Path("STATUS"), dead, Inspect().store_uuid));
  EXPECT_FALSE(Inspect().writer.has_value()) << "nobody has the store open";
  const auto lock = PosixFs().Lock(Path("LOCK"));
  ASSERT_OK(lock);
  const EngineInfo info = Inspect();
  ASSERT_TRUE(info.writer.has_value());
  EXPECT_FALSE(info.writer->status.has_value());
}

TEST_F(StatusTest, AWriterRemovesTheStatusOfAnEarlierOne) {
  FormatAndOpen();
  Put("k", "v");
  CopyAsKilled();
  open_.status_interval_ms = 0;
  bool there = true;
  open_.progress = [&](const Progress&) { there = fs::exists(Path("STATUS")); };
  Open();
  open_.progress = {};  // the check after the test must not call it
  EXPECT_FALSE(there);
  EXPECT_TRUE(fs::exists(Path("STATUS")));
}

TEST_F(StatusTest, ReplayOfAnOpenIsShown) {
  FormatAndOpen();
  for (int i = 0; i < 50; ++i) Put("k" + std::to_string(i), "v");
  CopyAsKilled();
  WriterStatus opening;
  open_.progress = [&](const Progress&) {
    if (!opening.state.empty()) return;
    opening = Await([](const WriterStatus& s) { return Has(s, "replay"); });
  };
  Open();
  open_.progress = {};
  EXPECT_EQ(opening.state, "opening");
  EXPECT_EQ(opening.activities.front().total, 50u);
  const WriterStatus open = Await([](const WriterStatus& s) { return s.state == "open"; });
  EXPECT_TRUE(open.activities.empty());
}

// Calls `act` before the first rename to a path that ends in `name`.
class RenameWatch final : public FsSeam {
 public:
  RenameWatch(std::string name, std::function<void()> act)
      : FsSeam(PosixFs()), name_(std::move(name)), act_(std::move(act)) {}

 private:
  Status Before(const FsOperation& operation, bool*) override {
    if (operation.Is("rename", name_) && !acted_.exchange(true)) act_();
    return Status::Ok();
  }
  const std::string name_;
  const std::function<void()> act_;
  std::atomic<bool> acted_ = false;
};

TEST_F(StatusTest, SnapshotIsShown) {
  MakeHistory();
  Close();
  WriterStatus seen;
  RenameWatch files("/current", [&] { seen = Await([](const auto& s) { return Has(s, "snapshot"); }); });
  open_.env.fs = &files;
  Open();
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(seen.state, "open");
  Await([](const WriterStatus& s) { return s.activities.empty(); });
  Close();
  open_.env.fs = &PosixFs();
}

TEST_F(StatusTest, RollbackIsShown) {
  MakeHistory();
  Close();
  WriterStatus seen;
  RenameWatch files("/ROLLBACK",
                    [&] { seen = Await([](const WriterStatus& s) { return s.state == "rolling back"; }); });
  open_.env.fs = &files;
  Open();
  ASSERT_OK(engine_->Rollback(Version(5)));
  EXPECT_EQ(seen.version, Version(7));
  const WriterStatus after = Await([](const WriterStatus& s) { return s.state == "open"; });
  EXPECT_EQ(after.version, Version(5));
  Close();
  open_.env.fs = &PosixFs();
}

TEST_F(StatusTest, ScrubIsShown) {
  MakeHistory();
  ASSERT_OK(engine_->StartScrub({.bytes_per_second = 1}));
  Await([](const WriterStatus& s) { return Has(s, "scrub"); });
  engine_->StopScrub();
  Await([](const WriterStatus& s) { return !Has(s, "scrub"); });
}

TEST_F(StatusTest, PoisonIsShown) {
  FaultFs files(PosixFs());
  open_.env.fs = &files;
  MakeHistory();
  files.Arm({.reach = FaultFs::Reach::kOnce,
             .matches = [](const FsOperation& op) { return op.Is("sync", ".log"); }});
  WriteBatch batch;
  batch.Put("k", "v");
  EXPECT_FALSE(engine_->Commit(batch).ok());
  const WriterStatus status = Await([](const WriterStatus& s) { return s.health != "ok"; });
  EXPECT_NE(status.health.find("injected"), std::string::npos);
  EXPECT_EQ(Inspect().health, status.health);
  (void)engine_->Close();
  engine_.reset();
  open_.env.fs = &PosixFs();
}

TEST_F(StatusTest, FailuresToPublishDoNotHarmTheWriter) {
  FaultFs files(PosixFs());
  files.Arm({.status = Status::NoSpace("injected"),
             .reach = FaultFs::Reach::kMatching,
             .matches = [](const FsOperation& op) { return op.path.find("/STATUS") != std::string::npos; }});
  open_.env.fs = &files;
  MakeHistory();
  ASSERT_OK(engine_->Rollback(Version(5)));
  EXPECT_EQ(Info().health, "ok");
  EXPECT_TRUE(Inspect().writer.has_value());
  EXPECT_FALSE(Inspect().writer->status.has_value());
  Close();
  EXPECT_TRUE(logger_.Warned("STATUS"));
  const std::string log = logger_.text();
  EXPECT_EQ(log.find("cannot show the present"), log.rfind("cannot show the present"))
      << "logged once: " << log;
  open_.env.fs = &PosixFs();
}

}  // namespace
}  // namespace rawkv
