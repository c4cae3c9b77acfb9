#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "base/base64.h"
#include "base/logger.h"
#include "engine/engine.h"
#include "tests/support/sanitized.h"
#include "tests/support/standing_clock.h"
#include "tests/tools/ctl_fixture.h"

// "The bad write of 14:05, three days ago": a store with a week of history under keep_for=7d, which a program
// keeps writing to. With rawkv-ctl alone somebody finds the version, looks at what it changed, holds the one
// before it, and goes back.
namespace rawkv::ctl {
namespace {

constexpr uint64_t kSecondMs = 1000;
constexpr uint64_t kDayMs = 86'400 * kSecondMs;
constexpr uint64_t kKeys = 50;

using State = std::map<std::string, std::string>;

// rawkv-ctl as the program that commits all the time, until it is stopped.
class LiveWriter {
 public:
  explicit LiveWriter(const std::string& store)
      : program_({"apply", "-", "--store=" + store}, CtlConversation::Input::kPipe), thread_([this] {
          while (!stop_) {
            program_.Write(R"({"put":[{"key":"live","value":")" + std::to_string(newest_) + "\"}]}\n");
            const std::string version = program_.ReadLine();
            if (version.empty()) break;
            newest_ = std::stoull(version);
          }
        }) {
    WaitForCommits(1);
  }
  ~LiveWriter() {
    if (thread_.joinable()) Stop();
  }
  uint64_t newest() const { return newest_; }
  void WaitForCommits(uint64_t commits) const {
    const uint64_t until = newest_ == 0 ? 1 : newest_ + commits;
    while (newest_ < until) std::this_thread::yield();
  }
  int Stop() {
    stop_ = true;
    thread_.join();
    program_.CloseInput();
    return program_.Wait();
  }

 private:
  CtlConversation program_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> newest_ = 0;
  std::thread thread_;
};

class CtlBadWrite : public CtlTest {
 protected:
  CtlBadWrite() {
    now_ms_ = SystemClock().NowUnixMs();
    bad_ms_ = now_ms_ - now_ms_ % kDayMs - 3 * kDayMs + (14 * 60 + 5) * 60 * kSecondMs;
  }

  // Commits a version every `step_ms` for the last eight days, which a store with keep_for=7d keeps, and the
  // bad write at 14:05 three days ago. `snapshot_interval`: versions between two snapshots.
  void MakeWeek(uint64_t step_ms, uint64_t snapshot_interval) {
    StandingClock clock;
    clock.now_unix_ms = now_ms_ - 8 * kDayMs;
    FormatOptions format;
    format.capacity_bytes = 16ull << 20;
    format.env.logger = &NullLogger();
    format.env.clock = &clock;
    format.runtime = {.snapshot_interval = 0, .keep_recent = 0, .keep_for_seconds = 7 * 86'400};
    ASSERT_TRUE(Engine::Format(store(), format).ok());
    OpenOptions open;
    open.env = format.env;
    open.settings.durability = Durability::kUnsafeUnsynced;
    Result<std::unique_ptr<Engine>> engine = Engine::Open(store(), open);
    ASSERT_TRUE(engine.ok()) << engine.status().ToString();
    state_ = {{"config/limit", "100"}, {"config/mode", "fast"}};
    Commit(**engine, {{"config/limit", "100"}, {"config/mode", "fast"}});
    for (uint64_t ms = clock.now_unix_ms; ms < now_ms_ && !HasFailure(); ms += step_ms) {
      if (bad_version_ == 0 && ms >= bad_ms_) CommitBadWrite(**engine, clock);
      clock.now_unix_ms = ms;
      const uint64_t next = (*engine)->version().value() + 1;
      Commit(**engine, {{"sensor/" + std::to_string(next % kKeys), "reading " + std::to_string(next)}});
      if (next % snapshot_interval == 0) ASSERT_TRUE((*engine)->CreateSnapshot().ok());
    }
    ASSERT_TRUE((*engine)->Close().ok());
    ASSERT_GT(bad_version_, 0u);
  }

  // Runs a step, and prints its time. The last argument in a week's work of one person: no step takes long.
  template <typename Step>
  auto Timed(const char* what, const Step& step) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = step();
    const auto spent = std::chrono::steady_clock::now() - begin;
    std::printf("  %-44s %6lld ms\n", what,
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(spent).count()));
    return result;
  }

  State ReadAll(const Args& more = {}) const {
    Args args = {"scan", "--values", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    State state;
    for (const Json& row : Rows(Ok(args))) state[row["key"]] = row["value"];
    return state;
  }

  // Everything that the operator does. All commands but the rollback run alongside the writer.
  void FindAndGoBack() {
    LiveWriter writer(store());
    EXPECT_EQ(Ok({"get", "config/limit"}), "0") << "somebody observes this";

    const Json found = Timed("log --to='3 days ago 14:05' --keys", [&] {
      return Rows(Ok({"log", "--to=3 days ago 14:05", "--limit=1", "--keys", "--json"}))[0];
    });
    EXPECT_EQ(found["version"], bad_version_);
    EXPECT_EQ(found["time_unix_ms"], bad_ms_);
    EXPECT_EQ(found["metadata"], "by hand");
    EXPECT_EQ(
        found["changes"],
        Json::parse(R"([{"op":"put","key":"config/limit","size":1},{"op":"delete","key":"config/mode"}])"));
    const Json by_key = Timed("log --key=config/limit --limit=1", [&] {
      return Rows(Ok({"log", "--key=config/limit", "--limit=1", "--json"}))[0];
    });
    EXPECT_EQ(by_key["version"], bad_version_);

    const std::string bad = std::to_string(bad_version_), good = std::to_string(bad_version_ - 1);
    const std::vector<Json> changed = Timed("diff of the version and the one before it", [&] {
      return Rows(Ok({"diff", "--from=" + good, "--to=" + bad, "--json"}));
    });
    ASSERT_EQ(changed.size(), 2u);
    EXPECT_EQ(
        changed[0].dump(),
        R"({"change":"changed","key":"config/limit","from":{"size":3,"version":1},"to":{"size":1,"version":)" +
            bad + "}}");
    EXPECT_EQ(changed[1].dump(),
              R"({"change":"removed","key":"config/mode","from":{"size":4,"version":1},"to":null})");
    EXPECT_EQ(Timed("get --time='3d ago 14:04:59.999'",
                    [&] {
                      return Ok({"get", "config/limit", "--time=3d ago 14:04:59.999"});
                    }),
              "100");
    const CtlResult plan = Timed("rollback --dry_run alongside the writer", [&] {
      return Run({"rollback", "--version=" + good, "--dry_run", "--json"});
    });
    EXPECT_EQ(plan.status, 3);
    EXPECT_NE(plan.out.find(R"("blocked_by":[")"), std::string::npos) << plan.out;
    EXPECT_EQ(Timed("snapshot pin of the one before, alongside the writer",
                    [&] {
                      return Ok({"snapshot", "pin", "--name=good", "--version=" + good});
                    }),
              good + "\n");
    writer.WaitForCommits(3);
    EXPECT_EQ(writer.Stop(), 0);

    const Json done = Timed("rollback", [&] { return OkJson({"rollback", "--version=" + good, "--yes"}); });
    EXPECT_EQ(done["from"], writer.newest());
    EXPECT_EQ(done["to"], bad_version_ - 1);
    EXPECT_EQ(done["done"], true);
    CheckAfterwards();
  }

  void CheckAfterwards() {
    EXPECT_EQ(ReadAll(), state_) << "the state before the bad write";
    const std::string good = std::to_string(bad_version_ - 1), earlier = std::to_string(bad_version_ - 2);
    EXPECT_EQ(ReadAll({"--version=" + earlier}), earlier_state_);
    EXPECT_EQ(ReadAll({"--version=" + good}), state_);
    const std::vector<Json> snapshots = Rows(Ok({"snapshot", "list", "--json"}));
    bool pinned = false;
    for (const Json& row : snapshots) {
      if (row["version"] == bad_version_ - 1) pinned = row["pins"] == Json::parse(R"(["good"])");
      EXPECT_LE(row["version"], bad_version_ - 1);
    }
    EXPECT_TRUE(pinned);
    EXPECT_EQ(Rows(Ok({"log", "--limit=1", "--json"}))[0]["version"], bad_version_ - 1);
    // The store lives on from there.
    EXPECT_EQ(Ok({"put", "live", "again"}), std::to_string(bad_version_) + "\n");
    EXPECT_EQ(Ok({"get", "config/mode"}), "fast");
  }

  uint64_t now_ms_ = 0, bad_ms_ = 0, bad_version_ = 0;
  State state_, earlier_state_;  // before the bad write, and one version earlier

 private:
  void Commit(Engine& engine, const State& puts) {
    if (bad_version_ == 0) {
      earlier_state_ = state_;
      for (const auto& [key, value] : puts) state_[key] = value;
    }
    WriteBatch batch;
    for (const auto& [key, value] : puts) batch.Put(key, value);
    const CommitResult done = engine.Commit(batch);
    ASSERT_TRUE(done.ok()) << done.status.ToString();
  }
  void CommitBadWrite(Engine& engine, StandingClock& clock) {
    clock.now_unix_ms = bad_ms_;
    WriteBatch batch;
    batch.Put("config/limit", "0");
    batch.Delete("config/mode");
    batch.SetMetadata("by hand");
    const CommitResult done = engine.Commit(batch);
    ASSERT_TRUE(done.ok()) << done.status.ToString();
    bad_version_ = done.version.value();
  }
};

TEST_F(CtlBadWrite, IsFoundAndUndoneInAWeekOfHistory) {
  MakeWeek(600 * kSecondMs, 20);
  const Json oldest = Rows(Ok({"log", "--json"})).back();
  EXPECT_LT(oldest["time_unix_ms"], now_ms_ - 7 * kDayMs) << "the week must be kept";
  EXPECT_GT(oldest["version"], 10u) << "and what is older must go";
  FindAndGoBack();
}

TEST_F(CtlBadWrite, IsFoundAndUndoneAmongManyVersions) {
  const uint64_t versions = Share(100'000, 3'000);
  MakeWeek(8 * kDayMs / versions, 10'000);
  FindAndGoBack();
}

}  // namespace
}  // namespace rawkv::ctl
