// Read-only engines alongside an engine that writes the same store. The two share nothing but the files, as
// two processes do. Version v of these stores writes key "k<v mod 16>" with OneSlot(v), so each state follows
// from its version alone.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/unique_fd.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "engine/transfer/transfer.h"
#include "snapshot/leases.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/fs_seam.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kKeys = 16;
constexpr uint64_t kStride = Share(1, 7);  // under sanitizers, one moment in seven

std::string KeyOf(uint64_t version) {
  return "k" + std::to_string(version % kKeys);
}

// The state at `version`: the newest version at or below it that wrote each key.
std::map<std::string, uint64_t> StateAt(uint64_t version) {
  std::map<std::string, uint64_t> state;
  for (uint64_t v = version < kKeys ? 1 : version - kKeys + 1; v <= version; ++v) state[KeyOf(v)] = v;
  return state;
}

class AlongsideWriterTest : public EngineTest {
 protected:
  // Commits `n` versions.
  void Write(uint64_t n) {
    for (; n > 0; --n) {
      const uint64_t next = engine_->version().value() + 1;
      ASSERT_EQ(Put(KeyOf(next), OneSlot(next)), Version(next));
    }
  }
  // Frees all slots that nobody holds, then writes until the device has given each of them out again.
  void Churn() {
    Write(kKeys);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
    Write(format_.capacity_bytes / format_.slot_bytes);
  }
  Result<std::unique_ptr<Engine>> TryRead(Fs& files = PosixFs()) const {
    OpenOptions options = open_;
    options.env.fs = &files;
    options.read_only = true;
    return Engine::Open(dir_, options);
  }
  std::unique_ptr<Engine> Reader() const {
    Result<std::unique_ptr<Engine>> reader = TryRead();
    EXPECT_OK(reader);
    return reader.ok() ? *std::move(reader) : nullptr;
  }
  // Compares all keys and values at the reader's tip, or in `view`, with the state of that version.
  static void ExpectState(Engine& reader, std::shared_ptr<const ReadView> view = nullptr) {
    if (view == nullptr) {
      ASSERT_OK_AND_ASSIGN(std::shared_ptr<const ReadView> tip, reader.OpenView());
      view = tip;
    }
    const uint64_t version = view->version().value();
    std::map<std::string, uint64_t> left = StateAt(version);
    auto iterator = reader.NewIterator({.view = view, .lower = "", .upper = "", .prefix = ""});
    ASSERT_OK(iterator);
    for ((*iterator)->SeekToFirst(); (*iterator)->Valid(); (*iterator)->Next()) {
      const std::string key((*iterator)->key());
      const auto expected = left.find(key);
      ASSERT_NE(expected, left.end()) << key << " at version " << version;
      ASSERT_OK_AND_ASSIGN(const Value value, reader.Get(key, {.view = view.get()}));
      ASSERT_EQ(value.written_by, Version(expected->second)) << key << " at version " << version;
      ASSERT_EQ(value.bytes, OneSlot(expected->second)) << key << " at version " << version;
      left.erase(expected);
    }
    ASSERT_OK((*iterator)->status());
    ASSERT_TRUE(left.empty()) << left.begin()->first << " is missing at version " << version;
  }
  std::vector<std::string> Views() const {
    std::vector<std::string> names;
    if (!fs::exists(Path("views"))) return names;
    for (const auto& entry : fs::directory_iterator(Path("views"))) names.push_back(entry.path().filename());
    return names;
  }
};

TEST_F(AlongsideWriterTest, ReaderSeesEveryAcknowledgedVersion) {
  FormatAndOpen();
  for (int round = 0; round < 3; ++round) {
    Write(7);
    const std::unique_ptr<Engine> reader = Reader();
    ASSERT_NE(reader, nullptr);
    EXPECT_EQ(reader->version(), engine_->version());
    EXPECT_EQ(reader->durable_version(), engine_->version());
    ExpectState(*reader);
    ASSERT_OK(engine_->CreateSnapshot());
  }
  EXPECT_EQ(Views(), std::vector<std::string>());
}

TEST_F(AlongsideWriterTest, RefreshReachesTheNewestVersionAndOldViewsStay) {
  FormatAndOpen();
  Write(5);
  const std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  const auto old = reader->OpenView();
  ASSERT_OK(old);
  Write(40);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(reader->version(), Version(5));
  ExpectState(*reader);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->version(), Version(45));
  ExpectState(*reader);
  ExpectState(*reader, *old);
  EXPECT_OK(engine_->Refresh()) << "a writer is always at the tip";
}

TEST_F(AlongsideWriterTest, OldVersionsCommitsInfoAndExportWork) {
  FormatAndOpen();
  Write(20);
  ASSERT_OK(engine_->CreateSnapshot());
  Write(20);
  const std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  for (const uint64_t v : {3, 20, 31}) {
    const auto view = reader->OpenView(Version(v));
    ASSERT_OK(view);
    ExpectState(*reader, *view);
    ASSERT_OK_AND_ASSIGN(const CommitRecord commit, reader->GetCommit(Version(v)));
    EXPECT_EQ(commit.version, Version(v));
  }
  ASSERT_OK_AND_ASSIGN(const EngineInfo info, reader->Info());
  EXPECT_EQ(info.version, Version(40));
  EXPECT_EQ(info.reachable, (std::vector{std::pair(Version(0), Version(40))}));
  ASSERT_OK(reader->Export({.version = Version(31), .out = tmp_.File("out"), .progress = {}}));
  EXPECT_OK(ListExport(tmp_.File("out")));
}

TEST_F(AlongsideWriterTest, VersionOfAReaderBlocksRollbackBelowItOnly) {
  FormatAndOpen();
  Write(20);
  std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  Write(5);
  EXPECT_STATUS(engine_->Rollback(Version(19)), StatusCode::kFailedPrecondition, "lease");
  ASSERT_OK(engine_->Rollback(Version(20)));
  ExpectState(*reader);
  Write(3);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->version(), Version(23));
  ExpectState(*reader);
  reader.reset();
  EXPECT_OK(engine_->Rollback(Version(7)));
  const std::unique_ptr<Engine> after = Reader();
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->version(), Version(7));
  ExpectState(*after);
}

TEST_F(AlongsideWriterTest, PruneKeepsTheSlotsOfAReader) {
  FormatAndOpen();
  Write(16);
  std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  for (int round = 0; round < 4; ++round) {
    Write(16);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  }
  EXPECT_EQ(Info().slots.pinned, kKeys) << "of version 16";
  ExpectState(*reader);
  reader.reset();
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Info().slots.pinned, 0u);
}

TEST_F(AlongsideWriterTest, NothingOfAnIdleStoreChanges) {
  FormatAndOpen();
  Write(20);
  Close();
  const auto before = Listing({"views"});
  for (int round = 0; round < 2; ++round) {
    const std::unique_ptr<Engine> reader = Reader();
    ASSERT_NE(reader, nullptr);
    ExpectState(*reader);
    EXPECT_OK(reader->Info());
    EXPECT_OK(reader->Refresh());
  }
  EXPECT_EQ(Listing({"views"}), before);
}

TEST_F(AlongsideWriterTest, WriterOpensWhileAReaderReads) {
  FormatAndOpen();
  Write(20);
  Close();
  const std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  Open();
  Write(20);
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  ExpectState(*reader);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->version(), Version(40));
}

TEST_F(AlongsideWriterTest, AnInterruptedRollbackIsRefusedWithAdvice) {
  FormatAndOpen();
  Write(3);
  Close();
  std::ofstream(Path("ROLLBACK")) << "of a rollback that was interrupted";
  EXPECT_STATUS(TryRead(), StatusCode::kFailedPrecondition, "open it for writing once");
  fs::remove(Path("ROLLBACK"));
}

// The prune is done by then, and the next one sweeps.
TEST_F(AlongsideWriterTest, PruneSucceedsIfEndedReadersCannotBeSwept) {
  // Fails the third listing of views/ after Start. The first two look for leases: without them nothing may be
  // removed or freed.
  class FailingList final : public FsSeam {
   public:
    FailingList() : FsSeam(PosixFs()) {}
    void Start() { left_ = 3; }
    bool fired() const { return left_ == 0; }

   private:
    Status Before(const FsOperation& operation, bool*) override {
      if (!operation.Is("list", "/views") || left_ == 0 || --left_ != 0) return Status::Ok();
      return Status::IoError("injected");
    }
    std::atomic<int> left_ = 0;
  };
  FailingList files;
  open_.env.fs = &files;
  FormatAndOpen();
  Write(16);
  ASSERT_OK(engine_->CreateSnapshot());
  files.Start();
  ASSERT_OK_AND_ASSIGN(const std::vector<Version> removed, engine_->Prune(0));
  EXPECT_EQ(removed, std::vector{Version(0)});
  EXPECT_TRUE(files.fired());
  EXPECT_TRUE(logger_.Warned("injected"));
  Close();
  open_.env.fs = &PosixFs();
}

TEST_F(AlongsideWriterTest, DumpOfSegmentsThatAreDroppedMeanwhileIsBusy) {
  open_.settings.wal_segment_bytes = 64 * kKiB;
  FormatAndOpen();
  for (int i = 0; i < 200; ++i) Put("k", std::string(1000, 'v'));
  uint64_t rows = 0;
  const Status dumped = DumpLog(dir_, open_, [&](const LogRecordRow& row) -> Status {
    EXPECT_EQ(row.version, Version(++rows));
    if (rows > 1) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(engine_->CreateSnapshot().status());
    return engine_->Prune(0).status();
  });
  EXPECT_STATUS(dumped, StatusCode::kBusy, "dropped");
  EXPECT_LT(rows, 200u);
}

// A process that holds a reader open until it is killed.
class KilledReader {
 public:
  explicit KilledReader(const std::string& dir) {
    int to_us[2], to_child[2];
    if (pipe2(to_us, O_CLOEXEC) != 0 || pipe2(to_child, O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      // Starts a new program: a forked process lacks the threads that RocksDB and the sanitizers need.
      if (dup2(to_child[0], STDIN_FILENO) < 0 || dup2(to_us[1], STDOUT_FILENO) < 0) _exit(1);
      execl(RAWKV_STORE_HOLDER, RAWKV_STORE_HOLDER, dir.c_str(), "--read_only", nullptr);
      _exit(127);
    }
    close(to_us[1]);
    close(to_child[0]);
    its_stdin_ = UniqueFd(to_child[1]);
    char byte = 0;
    open_ = read(to_us[0], &byte, 1) == 1;
    close(to_us[0]);
  }
  ~KilledReader() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  bool open() const { return open_; }

 private:
  pid_t pid_ = -1;
  UniqueFd its_stdin_;  // it ends when this closes
  bool open_ = false;
};

TEST_F(AlongsideWriterTest, WhatAKilledReaderHeldIsFreedByTheNextPrune) {
  FormatAndOpen();
  Write(16);
  {
    const KilledReader reader(dir_);
    ASSERT_TRUE(reader.open());
    Write(16);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
    EXPECT_EQ(Info().slots.pinned, kKeys);
  }
  EXPECT_EQ(Views().size(), 1u);
  ASSERT_OK(engine_->Prune(0));
  EXPECT_EQ(Views(), std::vector<std::string>());
  EXPECT_EQ(Info().slots.pinned, 0u);
}

// Calls `act` before the n-th operation on files after Start, of those with the name `only`, or of all.
class MeetingFs final : public FsSeam {
 public:
  explicit MeetingFs(std::function<void()> act, std::string only = "")
      : FsSeam(PosixFs()), act_(std::move(act)), only_(std::move(only)) {}
  void Start(uint64_t n) { left_ = n; }
  bool met() const { return left_ == 0; }

 private:
  Status Before(const FsOperation& operation, bool*) override {
    if (only_.empty() || operation.Is(only_)) {
      if (left_ > 0 && --left_ == 0) act_();
    }
    return Status::Ok();
  }
  const std::function<void()> act_;
  const std::string only_;
  std::atomic<uint64_t> left_ = 0;
};

// Each test lets one side do a whole operation at every moment of the other side's operation.
class MeetingTest : public AlongsideWriterTest {
 protected:
  void SetUp() override {
    format_.capacity_bytes = 512 * kKiB;
    open_.status_interval_ms = 0;  // the operations of that thread are no moments of a side
    FormatAndOpen();
    Write(kKeys + 4);
  }
  // Opens a reader, lets the writer `act` before each of the reader's operations in turn, and checks what the
  // reader reads, also after its version's slots would have been given out again.
  void MeetAtEveryMoment(const std::function<void()>& act) {
    for (uint64_t at = 1;; at += kStride) {
      MeetingFs files(act);
      files.Start(at);
      Result<std::unique_ptr<Engine>> reader = TryRead(files);
      ASSERT_OK(reader) << "operation " << at;
      ASSERT_NO_FATAL_FAILURE(ExpectState(**reader)) << "operation " << at;
      ASSERT_NO_FATAL_FAILURE(Churn());
      ASSERT_NO_FATAL_FAILURE(ExpectState(**reader)) << "operation " << at;
      if (!files.met()) return;
    }
  }
};

// Before each lease of a reader the writer removes the version for which the lease would be.
TEST_F(MeetingTest, WriterThatPrunesAllTheTimeLetsAReaderIn) {
  class PruneBeforeEachLease final : public FsSeam {
   public:
    explicit PruneBeforeEachLease(std::function<void()> prune)
        : FsSeam(PosixFs()), prune_(std::move(prune)) {}

   private:
    Status Before(const FsOperation& operation, bool*) override {
      if (operation.Is("mkdir", ".tmp")) prune_();
      return Status::Ok();
    }
    const std::function<void()> prune_;
  };
  int prunes = 0;
  PruneBeforeEachLease files([&] {
    ++prunes;
    Write(3);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  });
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, TryRead(files));
  EXPECT_EQ(prunes, 3) << "at the first lease, at the opening lease, and at the lease of the second attempt";
  ExpectState(*reader);
  Churn();
  ExpectState(*reader);
  EXPECT_EQ(Views().size(), 1u) << "the opening lease is gone";
}

// A commit that needs space does not wait for a reader.
TEST_F(MeetingTest, OpeningLeaseDoesNotRefuseACommit) {
  const auto opening = Lease::Create(PosixFs(), SystemClock(), dir_, Uuid::Generate(SystemEntropy()),
                                     kOpeningVersion, Version());
  ASSERT_OK(opening);
  ASSERT_OK(engine_->CreateSnapshot());
  EXPECT_EQ(*engine_->Prune(0), std::vector<Version>());
  Write(2 * format_.capacity_bytes / format_.slot_bytes);
  EXPECT_EQ(engine_->Rollback(Version(engine_->version().value() - 1)).code(), StatusCode::kOk);
  ASSERT_OK((*opening)->Remove());
}

// Each look is taken once for each of its operations, before which the writer acts.
class LookingTest : public MeetingTest {
 protected:
  using Look = std::function<Status(const OpenOptions&)>;
  void LookAtEveryMoment(const Look& look, const std::function<void()>& act) {
    for (uint64_t at = 1;; at += kStride) {
      MeetingFs files(act);
      OpenOptions options = open_;
      options.env.fs = &files;
      files.Start(at);
      ASSERT_OK(look(options)) << "operation " << at;
      if (!files.met()) return;
    }
  }
  void SnapshotAndPrune() {
    Write(2);
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  }
  Status Inspect(const OpenOptions& options) const {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, InspectStore(dir_, options));
    const SlotUse& s = info.slots;
    EXPECT_EQ(s.live + s.pinned + s.reclaimable + s.reserved + s.free, s.total);
    EXPECT_EQ(s.live, kKeys);
    EXPECT_EQ(info.health, "ok");
    return info.unopenable;
  }
  Status Check(const OpenOptions& options) const {
    RAWKV_ASSIGN_OR_RETURN(const CheckReport report, CheckStore(dir_, {.deep = true}, options));
    for (const Finding& f : report.findings) ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
    return Status::Ok();
  }
  Status Verify(const OpenOptions& options) const {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotVerdict> verdicts,
                           VerifySnapshots(dir_, std::nullopt, options));
    for (const SnapshotVerdict& v : verdicts) {
      for (const std::string& error : v.errors) ADD_FAILURE() << v.version.value() << ": " << error;
    }
    RAWKV_ASSIGN_OR_RETURN(const CheckReport log, VerifyLog(dir_, options));
    for (const Finding& f : log.findings) ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
    return Status::Ok();
  }
  // With the store closed: a writer opens it, works and closes it.
  void ComeAndGo() {
    Open();
    SnapshotAndPrune();
    Write(2);
    Close();
  }
};

TEST_F(LookingTest, InfoMeetsSnapshotsAndPrunes) {
  LookAtEveryMoment([this](const OpenOptions& o) { return Inspect(o); }, [this] { SnapshotAndPrune(); });
}

TEST_F(LookingTest, InfoMeetsRollbacks) {
  LookAtEveryMoment([this](const OpenOptions& o) { return Inspect(o); },
                    [this] {
                      SnapshotAndPrune();
                      Write(6);
                      ASSERT_OK(engine_->Rollback(Version(engine_->version().value() - 3)));
                    });
}

TEST_F(LookingTest, InfoMeetsAWriterThatComesAndGoes) {
  Close();
  LookAtEveryMoment([this](const OpenOptions& o) { return Inspect(o); }, [this] { ComeAndGo(); });
}

TEST_F(LookingTest, ChecksMeetSnapshotsAndPrunes) {
  LookAtEveryMoment([this](const OpenOptions& o) { return Check(o); }, [this] { SnapshotAndPrune(); });
}

TEST_F(LookingTest, ChecksMeetAWriterThatComesAndGoes) {
  Close();
  LookAtEveryMoment([this](const OpenOptions& o) { return Check(o); }, [this] { ComeAndGo(); });
}

TEST_F(LookingTest, VerificationMeetsSnapshotsAndPrunes) {
  LookAtEveryMoment([this](const OpenOptions& o) { return Verify(o); }, [this] { SnapshotAndPrune(); });
}

TEST_F(LookingTest, RollbackPlanMeetsSnapshotsAndPrunes) {
  LookAtEveryMoment(
      [this](const OpenOptions& o) {
        OpenOptions reading = o;
        reading.read_only = true;
        const Version tip = engine_->version();
        const Result<RollbackPlan> plan = PlanOfflineRollback(dir_, tip, {}, reading);
        if (plan.status().code() == StatusCode::kVersionUnreachable) return Status::Ok();  // pruned since
        if (plan.ok()) EXPECT_EQ(plan->blocked_by.size(), 1u) << "the writer";
        return plan.status();
      },
      [this] { SnapshotAndPrune(); });
}

TEST_F(MeetingTest, CommitsComeWhileAReaderOpens) {
  MeetAtEveryMoment([this] { Write(3); });
}

TEST_F(MeetingTest, SnapshotAndPruneComeWhileAReaderOpens) {
  MeetAtEveryMoment([this] { Churn(); });
}

TEST_F(MeetingTest, RollbackComesWhileAReaderOpens) {
  MeetAtEveryMoment([this] {
    ASSERT_OK(engine_->CreateSnapshot());
    Write(6);
    const Status rolled_back = engine_->Rollback(Version(engine_->version().value() - 3));
    if (!rolled_back.ok()) ASSERT_STATUS(rolled_back, StatusCode::kFailedPrecondition, "lease");
    Write(6);
  });
}

// The prune keeps the base of the old version, which is pinned, and the log after it, but not the version.
TEST_F(MeetingTest, PruneComesWhileAnOldVersionIsOpened) {
  for (uint64_t at = 1;; at += kStride) {
    ASSERT_OK_AND_ASSIGN(const Version pinned, engine_->Pin("base"));
    Write(3 * kKeys);
    MeetingFs files([this] { Churn(); });
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, TryRead(files));
    files.Start(at);
    const auto view = reader->OpenView(Version(pinned.value() + kKeys + 4));
    if (view.ok()) {
      ASSERT_NO_FATAL_FAILURE(Churn());
      ASSERT_NO_FATAL_FAILURE(ExpectState(*reader, *view)) << "operation " << at;
    } else {
      ASSERT_STATUS(view, StatusCode::kVersionUnreachable) << "operation " << at;
    }
    ASSERT_OK(engine_->Unpin("base"));
    if (!files.met()) return;
  }
}

// A reader whose lease comes after the writer's last look at the leases must not read the branch that is
// given up.
TEST_F(MeetingTest, ReaderOpensWhileARollbackIsUnderWay) {
  std::unique_ptr<Engine> reader;
  int refused = 0;
  MeetingFs files(
      [&] {
        Result<std::unique_ptr<Engine>> opened = TryRead();
        if (opened.ok()) {
          reader = *std::move(opened);
        } else {
          ++refused;
          ASSERT_STATUS(opened, StatusCode::kBusy, "rolled back");
        }
      },
      "rename");
  open_.env.fs = &files;
  Reopen();
  for (uint64_t at = 1;; ++at) {
    Write(8);
    files.Start(at);
    const Status rolled_back = engine_->Rollback(Version(engine_->version().value() - 5));
    if (!rolled_back.ok()) ASSERT_STATUS(rolled_back, StatusCode::kFailedPrecondition, "lease");
    ASSERT_NO_FATAL_FAILURE(Churn());
    if (reader != nullptr) {
      ASSERT_NO_FATAL_FAILURE(ExpectState(*reader)) << "rename " << at;
      reader.reset();
    }
    if (!files.met()) break;
  }
  EXPECT_GT(refused, 0);
  Close();
  open_.env.fs = &PosixFs();
}

// Readers open, read everything and refresh while the writer commits, makes snapshots and prunes as fast as
// it can, on a device that reuses slots all the time.
class AlongsideBusyWriterTest : public AlongsideWriterTest {
 protected:
  // Commits until each of `readers` threads has read `rounds` times. Calls `disturb` of the writer once for
  // each round that a reader has finished: a writer that disturbs without a pause can starve slow readers.
  void Race(int readers, int rounds, const std::function<void()>& disturb) {
    std::atomic<int> running = readers, finished = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < readers; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < rounds && !HasFailure(); ++round, ++finished) ReadOnce(round);
        --running;
      });
    }
    for (int seen = -1; running > 0;) {
      Write(5);
      if (finished == seen) continue;
      seen = finished;
      disturb();
    }
    for (std::thread& t : threads) t.join();
  }
  void ReadOnce(int round) {
    const std::unique_ptr<Engine> reader = Reader();
    ASSERT_NE(reader, nullptr);
    ExpectState(*reader);
    const Version opened = reader->version();
    if (round % 2 == 0) {
      ASSERT_OK(reader->Refresh());
      ASSERT_GE(reader->version(), opened);
      ExpectState(*reader);
    } else if (opened.value() > 3) {
      const auto view = reader->OpenView(Version(opened.value() - 3));
      if (view.status().code() == StatusCode::kVersionUnreachable) return;  // pruned since
      ASSERT_OK(view);
      ExpectState(*reader, *view);
    }
    ASSERT_OK(reader->Info());
  }
};

TEST_F(AlongsideBusyWriterTest, EveryReadEqualsTheStateOfItsVersion) {
  format_.capacity_bytes = 2 * kMiB;
  FormatAndOpen();
  Write(16);
  Race(/*readers=*/2, /*rounds=*/static_cast<int>(Share(30, 10)), [this] {
    ASSERT_OK(engine_->CreateSnapshot());
    ASSERT_OK(engine_->Prune(0));
  });
}

TEST_F(AlongsideBusyWriterTest, RollbacksAndReadersDoNotHarmEachOther) {
  open_.lock_wait_ms = 600'000;  // of the readers
  FormatAndOpen();
  Write(16);
  int done = 0;
  Race(/*readers=*/2, /*rounds=*/15, [&] {
    if (engine_->version().value() % 5 == 0) ASSERT_OK(engine_->CreateSnapshot());
    const Version target(engine_->version().value() - 4);
    const Status rolled_back = engine_->Rollback(target);
    if (rolled_back.ok()) {
      ++done;
    } else if (rolled_back.code() != StatusCode::kVersionUnreachable) {  // given up for free slots
      ASSERT_STATUS(rolled_back, StatusCode::kFailedPrecondition, "lease");
    }
  });
  EXPECT_GT(done, 0);
}

TEST_F(AlongsideWriterTest, ReaderOfAnUnsyncedStoreKnowsWhatIsDurable) {
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Write(3);
  ASSERT_OK(engine_->Sync());
  Write(2);
  std::unique_ptr<Engine> reader = Reader();
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->version(), Version(5));
  EXPECT_EQ(reader->durable_version(), Version(3));
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->durable_version(), Version(5));
}

TEST_F(AlongsideBusyWriterTest, UnsyncedCommitsAreSeenToo) {
  open_.settings.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  Write(16);
  Race(/*readers=*/2, /*rounds=*/8, [this] { ASSERT_OK(engine_->CreateSnapshot()); });
}

}  // namespace
}  // namespace rawkv
