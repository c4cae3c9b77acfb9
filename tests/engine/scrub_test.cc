// The scrubber finds damage, resumes where it stopped, and keeps to its rate.

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/maintenance/scrub_state.h"
#include "engine/maintenance/throttle.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kValueBytes = 20'000;

class ScrubTest : public EngineTest {
 protected:
  // Version i + 1 gives key i a value. Then a snapshot is made, and every second key is overwritten.
  void Fill(uint64_t keys) {
    FormatAndOpen();
    for (uint64_t i = 0; i < keys; ++i) Put(Key(i), ValueOf(i + 1));
    ASSERT_OK(engine_->CreateSnapshot());
    for (uint64_t i = 0; i < keys; i += 2) Put(Key(i), ValueOf(keys + 1 + i / 2));
  }
  static std::string Key(uint64_t i) { return "key" + std::to_string(100 + i); }
  static std::string ValueOf(uint64_t version) { return MakeValue({version, kValueBytes}); }

  void FlipByte(const std::string& path, uint64_t offset) {
    std::fstream f(path, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(f.get() ^ 0x5a);
    f.seekp(static_cast<std::streamoff>(offset));
    f.put(byte);
    ASSERT_TRUE(f.good()) << path;
    whole_at_the_end_ = false;
  }
  // Flips a byte of the payload that this version wrote.
  void FlipValue(uint64_t version) {
    const Result<std::string> device = ReadFile(PosixFs(), Path("device.img"), 1 << 30);
    ASSERT_OK(device);
    const size_t at = device->find(ValueOf(version).substr(0, 64));
    ASSERT_NE(at, std::string::npos);
    FlipByte(Path("device.img"), at + kValueBytes / 2);
  }
  ScrubReport Scrub(const ScrubOptions& options = {.bytes_per_second = 0}) {
    Result<ScrubReport> report = engine_->Scrub(options);
    EXPECT_OK(report);
    return report.ok() ? *std::move(report) : ScrubReport{};
  }
  ScrubState SavedState() {
    const Result<ScrubState> state = LoadScrubState(PosixFs(), Path("SCRUB"), Info().store_uuid);
    EXPECT_OK(state);
    return state.ok() ? *state : ScrubState{};
  }
  // Scrubs in the background at `rate` bytes per second until `enough` returns true.
  ScrubReport RunUntil(uint64_t rate, const std::function<bool(const ScrubReport&)>& enough) {
    EXPECT_OK(engine_->StartScrub({.bytes_per_second = rate}));
    while (engine_->scrub_report().running && !enough(engine_->scrub_report())) std::this_thread::yield();
    return engine_->StopScrub();
  }
};

TEST_F(ScrubTest, PassOverAnUndamagedStoreReadsEverything) {
  Fill(20);
  const uint64_t read_before = engine_->stats().device_bytes_read;
  const ScrubReport report = Scrub();
  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.running);
  EXPECT_FALSE(report.resumed);
  EXPECT_EQ(report.pass, 1u);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.records, 30u);
  EXPECT_EQ(report.snapshots, 2u);
  // 20 payloads at the tip. The log names the 10 that were overwritten, and the snapshot names them again.
  EXPECT_EQ(report.payloads, 40u);
  EXPECT_GE(report.bytes, 40 * kValueBytes);
  EXPECT_GE(engine_->stats().device_bytes_read - read_before, 40 * kValueBytes);
  EXPECT_EQ(Scrub().pass, 2u) << "a complete pass was resumed";
  EXPECT_NE(SavedState().last_complete_unix_ms, 0u);
}

TEST_F(ScrubTest, DamagedPayloadsAreNamedByKeyAndVersion) {
  Fill(20);
  FlipValue(4);   // key 3, at the tip and in the snapshot
  FlipValue(25);  // key 8 at the tip only
  FlipValue(7);   // key 6, overwritten since
  const ScrubReport report = Scrub();
  EXPECT_TRUE(report.complete);
  std::map<std::string, std::set<uint64_t>> found;
  for (const Finding& f : report.findings) {
    EXPECT_EQ(f.kind, "payload");
    ASSERT_TRUE(f.version.has_value());
    found[f.where].insert(f.version->value());
  }
  EXPECT_EQ(found, (std::map<std::string, std::set<uint64_t>>{{Key(3), {4}}, {Key(8), {25}}, {Key(6), {7}}}));
  EXPECT_EQ(report.findings_total, report.findings.size());
  EXPECT_NE(logger_.text().find("scrub found damage"), std::string::npos);
}

TEST_F(ScrubTest, SuperblockLogAndSnapshotsAreReadToo) {
  Fill(6);
  FlipByte(Path("device.img"), 200);  // superblock A
  FlipByte(Path("snapshot-00000000000000000006/MANIFEST"), 60);
  // A table of an older snapshot, which no open reads.
  for (const auto& entry : fs::directory_iterator(Path("snapshot-00000000000000000000/index"))) {
    if (entry.path().extension() == ".sst") FlipByte(entry.path(), 30);
  }
  const Result<std::string> log = ReadFile(PosixFs(), Path("wal/00000000000000000001.log"), 1 << 30);
  ASSERT_OK(log);
  FlipByte(Path("wal/00000000000000000001.log"), log->find(Key(2)));
  const ScrubReport report = Scrub();
  EXPECT_TRUE(report.complete);
  std::map<std::string, int> kinds;
  for (const Finding& f : report.findings) ++kinds[f.kind];
  EXPECT_EQ(kinds.size(), 3u);
  EXPECT_EQ(kinds["superblock"], 1);
  EXPECT_EQ(kinds["log"], 1);
  EXPECT_GE(kinds["snapshot"], 2);
  EXPECT_EQ(report.snapshots, 0u) << "a damaged snapshot was counted";
}

TEST_F(ScrubTest, ResumesWhereItStoppedEvenAfterAKill) {
  Fill(30);
  // A few values a second, so that the scrub can be stopped in the middle of the pass.
  const ScrubReport first = RunUntil(5 * kValueBytes, [](const ScrubReport& r) {
    return r.phase == "tip" && r.payloads >= 17;  // 15 payloads that only the log names, 2 at the tip
  });
  ASSERT_FALSE(first.complete);
  ASSERT_FALSE(first.running);
  const ScrubState kept = SavedState();
  EXPECT_EQ(kept.phase, ScrubPhase::kTip);
  EXPECT_FALSE(kept.key.empty());
  FlipValue(31);  // key 0, which the pass has read already
  ReopenKilled();
  const ScrubReport second = Scrub();
  EXPECT_TRUE(second.resumed);
  EXPECT_TRUE(second.complete);
  EXPECT_EQ(second.pass, first.pass);
  EXPECT_TRUE(second.findings.empty()) << "a payload was read again";
  EXPECT_EQ(second.payloads, 15u + 30u + 15u);
  const ScrubReport third = Scrub();
  EXPECT_EQ(third.pass, 2u);
  ASSERT_EQ(third.findings.size(), 1u);
  EXPECT_EQ(third.findings.front().where, Key(0));
}

TEST_F(ScrubTest, RestartBeginsTheNextPass) {
  Fill(10);
  ASSERT_FALSE(RunUntil(kValueBytes, [](const ScrubReport& r) { return r.bytes != 0; }).complete);
  const ScrubReport report = Scrub({.bytes_per_second = 0, .restart = true});
  EXPECT_FALSE(report.resumed);
  EXPECT_EQ(report.pass, 2u);
  EXPECT_EQ(report.records, 15u);
}

TEST_F(ScrubTest, DamagedScrubFileMakesThePassStartOver) {
  Fill(10);
  ASSERT_FALSE(RunUntil(kValueBytes, [](const ScrubReport& r) { return r.bytes != 0; }).complete);
  FlipByte(Path("SCRUB"), 40);
  const Result<CheckReport> check = [&] {
    Close();
    return CheckStore(dir_, {}, open_);
  }();
  ASSERT_OK(check);
  EXPECT_TRUE(check->ok());
  EXPECT_NE(testing::PrintToString(check->notes).find("scrub"), std::string::npos);
  Open();
  const ScrubReport report = Scrub();
  EXPECT_FALSE(report.resumed);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.records, 15u);
}

TEST_F(ScrubTest, SecondRunIsBusyAndCloseStopsTheFirst) {
  Fill(10);
  ASSERT_OK(engine_->StartScrub({.bytes_per_second = kValueBytes}));
  EXPECT_STATUS(engine_->Scrub(), StatusCode::kBusy);
  EXPECT_STATUS(engine_->StartScrub(), StatusCode::kBusy);
  EXPECT_EQ(Get(Key(1)), ValueOf(2));
  Close();
  Open();
  EXPECT_TRUE(Scrub().resumed);
  ASSERT_OK(engine_->StartScrub({.bytes_per_second = 0}));
  while (engine_->scrub_report().running) std::this_thread::yield();
  EXPECT_TRUE(engine_->StopScrub().complete) << "stopping a finished scrub changed its report";
  ASSERT_OK(engine_->StartScrub({.bytes_per_second = 0})) << "the finished scrub prevented another one";
}

TEST_F(ScrubTest, BackgroundScrubStartsAtOpenAndRestsBetweenPasses) {
  Fill(6);
  EXPECT_FALSE(engine_->scrub_report().running) << "scrubbing is off by default";
  Close();
  open_.scrub_bytes_per_second = 0;
  open_.scrub_rest_seconds = 3600;
  Open();
  while (engine_->scrub_report().phase != "resting") std::this_thread::yield();
  EXPECT_TRUE(engine_->scrub_report().running);
  EXPECT_TRUE(engine_->scrub_report().complete);
  EXPECT_EQ(SavedState().pass, 2u);
  EXPECT_STATUS(engine_->Scrub(), StatusCode::kBusy);
  Put("more", ValueOf(77));
  Close();

  Open();
  while (engine_->scrub_report().phase != "resting") std::this_thread::yield();
  EXPECT_FALSE(engine_->scrub_report().complete)
      << "the engine rests after the pass that ended before this open";
  EXPECT_FALSE(engine_->StopScrub().running);
  EXPECT_EQ(SavedState().pass, 2u) << "the engine began a pass during its rest";
  Close();

  FlipValue(1);
  open_.scrub_rest_seconds = 0;
  Open();
  while (engine_->scrub_report().pass < 4) std::this_thread::yield();
  const ScrubReport report = engine_->StopScrub();
  EXPECT_TRUE(report.stopped.ok()) << report.stopped.ToString();
  ASSERT_GE(report.findings.size(), 2u) << "one in each pass";
  EXPECT_EQ(report.findings.front().where, Key(0));
}

// The slots of such a payload become free as soon as its version is the oldest that is kept.
TEST_F(ScrubTest, PayloadReplacedWithinItsBatchIsNotReportedAfterReuse) {
  format_.capacity_bytes = 2 * kMiB;
  FormatAndOpen();
  WriteBatch batch;
  batch.Put("twice", ValueOf(1));
  batch.Put("twice", ValueOf(2));
  batch.Put("gone", ValueOf(3));
  batch.Delete("gone");
  batch.Put("ranged", ValueOf(4));
  batch.DeleteRange("r", "s");
  batch.Put("shrunk", ValueOf(5));
  batch.Put("shrunk", "inline");
  const Version version = engine_->Commit(batch).version;
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Pin("floor", version));
  ASSERT_OK(engine_->Prune(0));  // now the batch's version is the oldest
  ASSERT_EQ(Info().reachable.front().first, version);
  ASSERT_EQ(Info().reachable.front().first, version);
  std::shared_ptr<const ReadView> view = View(version);
  const uint64_t reclaimed = engine_->stats().slots_reclaimed;
  EXPECT_GE(reclaimed, 4 * 5u);
  const std::string other = ValueOf(100);
  for (uint64_t i = 0; Info().slots.free >= 5; ++i) Put("other" + std::to_string(i), other);
  for (int pass = 0; pass < 2; ++pass) {
    const ScrubReport report = Scrub();
    for (const Finding& f : report.findings) ADD_FAILURE() << f.where << ": " << f.message;
    EXPECT_TRUE(report.complete);
  }
  // Reads, exports and rollbacks do not read the reused slots either.
  for (const std::optional<Version> at : {std::optional<Version>(), std::optional(version)}) {
    EXPECT_EQ(Get("twice", at), ValueOf(2));
    EXPECT_FALSE(Has("gone", at));
    EXPECT_FALSE(Has("ranged", at));
    EXPECT_EQ(Get("shrunk", at), "inline");
  }
  ASSERT_OK(engine_->Export({.version = version, .out = tmp_.File("export")}));
  view.reset();
  ReopenKilled();
  EXPECT_EQ(Get("twice"), ValueOf(2));
  ASSERT_OK(engine_->Rollback(version));
  EXPECT_EQ(Get("twice"), ValueOf(2));
  Put("other", ValueOf(7));
  EXPECT_TRUE(Scrub().findings.empty());
}

TEST_F(ScrubTest, EachCallerGetsTheReportOfItsOwnRun) {
  Fill(6);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> foreground{0}, stopped{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const Result<ScrubReport> report = engine_->Scrub({.bytes_per_second = 0, .restart = true});
        if (HasStatus(report, StatusCode::kBusy, {})) continue;
        ASSERT_OK(report);
        EXPECT_FALSE(report->running);
        ++foreground;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      if (!engine_->StartScrub({.bytes_per_second = 1}).ok()) continue;
      const ScrubReport report = engine_->StopScrub();
      EXPECT_FALSE(report.running);
      EXPECT_FALSE(report.complete) << "the rate was one byte a second";
      ++stopped;
    }
  });
  while (foreground < 12 || stopped < 5) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ScrubTest, ReadOnlyEngineRefusesToScrub) {
  Fill(3);
  Close();
  open_.read_only = true;
  Open();
  EXPECT_STATUS(engine_->Scrub(), StatusCode::kFailedPrecondition);
  EXPECT_STATUS(engine_->StartScrub(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(engine_->StopScrub().running);
}

// A clock that the test sets. Each reading advances it by `step_ns`.
class JumpingClock final : public Clock {
 public:
  uint64_t NowUnixMs() override { return now_ns / 1'000'000; }
  uint64_t MonotonicNs() override {
    const uint64_t at = now_ns;
    now_ns += step_ns;
    return at;
  }
  uint64_t now_ns = 5'000'000'000;
  uint64_t step_ns = 0;
};

TEST(Throttle, KeepsToItsRate) {
  JumpingClock clock;
  Throttle throttle(clock);
  throttle.Begin(1'000'000);
  clock.step_ns = 5'000'000;  // each reading advances the clock by five milliseconds
  const uint64_t begin = clock.now_ns;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(throttle.Spend(10'000));
  EXPECT_GE(clock.now_ns - begin, 500'000'000u) << "half a million bytes at a million a second";
  EXPECT_LE(clock.now_ns - begin, 1'000'000'000u);
}

TEST(Throttle, UnusedTimeIsNotCredited) {
  JumpingClock clock;
  Throttle throttle(clock);
  throttle.Begin(1'000'000);
  clock.now_ns += 60'000'000'000;
  clock.step_ns = 20'000'000;
  const uint64_t begin = clock.now_ns;
  EXPECT_TRUE(throttle.Spend(200'000));
  EXPECT_GE(clock.now_ns - begin, 100'000'000u)
      << "an idle minute gives at most a tenth of a second of credit";
}

TEST(Throttle, NoLimitNeverWaitsAndStopEndsAWait) {
  Throttle throttle(SystemClock());
  throttle.Begin(0);
  EXPECT_TRUE(throttle.Spend(uint64_t{1} << 60));
  throttle.Begin(1);
  std::thread stopper([&] { throttle.Stop(); });
  EXPECT_FALSE(throttle.Spend(uint64_t{1} << 40)) << "without Stop the call would wait for 30,000 years";
  stopper.join();
  EXPECT_TRUE(throttle.stopped());
  throttle.Begin(0);
  EXPECT_TRUE(throttle.Spend(1));
}

}  // namespace
}  // namespace rawkv
