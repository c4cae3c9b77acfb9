// Many threads use one store. Its device is so small that slots are reused all the time. Every value encodes
// its key, its length and a serial number, so that a reader detects a mixed-up slot from the bytes alone. At
// the end the test accounts for every commit, and compares every view that was read with a model. The number
// of operations bounds the test, not time.

#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "tests/engine/engine_fixture.h"
#include "tests/engine/model_reads.h"

namespace rawkv {
namespace {

constexpr uint64_t kKeys = 48;
constexpr uint64_t kCommitters = 16;

std::string KeyName(uint64_t key) {
  return "key-" + std::to_string(key);
}

// The seed holds 16 bits of key, 24 of length and 24 of a serial number that no other value has.
ValueRecipe SelfDescribingValue(uint64_t key, uint64_t bytes, uint64_t serial) {
  return {key | bytes << 16 | serial << 40, bytes};
}
uint64_t KeyOf(uint64_t seed) {
  return seed & 0xffff;
}
uint64_t LengthOf(uint64_t seed) {
  return seed >> 16 & 0xffffff;
}

// Checks that a value that was read is whole and belongs to `key`. Returns its recipe.
ValueRecipe CheckValue(std::string_view key, std::string_view bytes) {
  if (bytes.size() < 8) {
    ADD_FAILURE() << key << " has " << bytes.size() << " bytes";
    return {};
  }
  const uint64_t seed = SeedOf(bytes);
  EXPECT_EQ(KeyName(KeyOf(seed)), key) << "another key's value";
  EXPECT_EQ(LengthOf(seed), bytes.size());
  EXPECT_EQ(DiffValue({seed, LengthOf(seed)}, bytes), "") << key;
  return {seed, bytes.size()};
}

struct CrowdConfig {
  std::string name;
  FormatOptions format;
  OpenOptions open;
  uint64_t commits_each = 0;
};
void PrintTo(const CrowdConfig& config, std::ostream* out) {
  *out << config.name;
}

class ConcurrencyTest : public EngineTest, public testing::WithParamInterface<CrowdConfig> {
 protected:
  ConcurrencyTest() {
    format_ = GetParam().format;
    open_ = GetParam().open;
    format_.env.logger = open_.env.logger = &logger_;
  }

  void CommitMany(uint64_t thread);
  void ReadTip(uint64_t thread);
  void ReadViews(uint64_t thread);
  void Maintain();
  void ReadInfo();

  ModelBatch NewBatch(Rng& rng);
  // Reads a whole view and keeps its content for CheckAgainstModel.
  void Record(const std::shared_ptr<const ReadView>& view);
  void CheckAgainstModel();
  bool Done() const { return committers_left_ == 0 || HasFailure(); }

  std::atomic<uint64_t> committers_left_{kCommitters};
  std::atomic<uint64_t> serial_{1};
  std::atomic<uint64_t> reads_{0}, views_{0}, full_{0};
  Mutex mu_;
  std::map<Version, ModelBatch> commits_ RAWKV_GUARDED_BY(mu_);
  std::vector<std::pair<Version, ModelState>> seen_ RAWKV_GUARDED_BY(mu_);
};

ModelBatch ConcurrencyTest::NewBatch(Rng& rng) {
  ModelBatch batch;
  for (uint64_t n = rng.Between(1, 3); n > 0; --n) {
    const uint64_t key = rng.Below(kKeys);
    ModelOp op{.kind = ModelOp::Kind::kPut, .key = KeyName(key), .end_key = {}, .value = {}};
    if (rng.OneIn(8)) {
      op.kind = ModelOp::Kind::kDelete;
    } else {
      const uint64_t bytes = rng.OneIn(3) ? rng.Between(8, 1024) : rng.Between(8, 24 * kKiB);
      op.value = SelfDescribingValue(key, bytes, serial_.fetch_add(1));
    }
    batch.ops.push_back(op);
  }
  return batch;
}

void ConcurrencyTest::CommitMany(uint64_t thread) {
  Rng rng(thread);
  // Continues until a view was read meanwhile, however slow the machine is.
  for (uint64_t i = 0; (i < GetParam().commits_each || views_ == 0) && !HasFailure(); ++i) {
    const ModelBatch batch = NewBatch(rng);
    std::list<std::string> values;
    const CommitResult result = engine_->Commit(batch.ToWriteBatch(&values));
    if (result.ok()) {
      MutexLock lock(mu_);
      EXPECT_TRUE(commits_.emplace(result.version, batch).second) << "two commits got one version";
      continue;
    }
    ++full_;
    EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
    EXPECT_STATUS(result, StatusCode::kNoSpace);
  }
  --committers_left_;
}

void ConcurrencyTest::ReadTip(uint64_t thread) {
  Rng rng(1000 + thread);
  std::map<std::string, Version, std::less<>> last_seen;  // the versions that a reader sees never decrease
  const auto judge = [&](std::string_view key, const Result<Value>& value) {
    ++reads_;
    if (value.status().code() == StatusCode::kNotFound) return;
    ASSERT_OK(value) << key;
    CheckValue(key, value->bytes);
    Version& last = last_seen[std::string(key)];
    EXPECT_GE(value->written_by, last);
    last = value->written_by;
  };
  std::string buffer(32 * kKiB, '\0');
  while (!Done()) {
    const std::string key = KeyName(rng.Below(kKeys));
    judge(key, engine_->Get(key));
    const Result<uint64_t> length = engine_->GetInto(key, AsWritableBytes(buffer));
    if (length.ok()) CheckValue(key, std::string_view(buffer).substr(0, *length));
    std::vector<std::string> names;
    for (int i = 0; i < 12; ++i) names.push_back(KeyName(rng.Below(kKeys)));
    const std::vector<std::string_view> keys(names.begin(), names.end());
    const std::vector<Result<Value>> got = engine_->MultiGet(keys);
    for (size_t i = 0; i < keys.size(); ++i) judge(keys[i], got[i]);
  }
}

void ConcurrencyTest::Record(const std::shared_ptr<const ReadView>& view) {
  ModelState state;
  const auto it = engine_->NewIterator({.view = view});
  ASSERT_OK(it);
  for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next()) {
    const Result<std::string> value = (*it)->ReadValue();
    ASSERT_OK(value) << (*it)->key() << " at version " << view->version().value();
    state[std::string((*it)->key())] = {CheckValue((*it)->key(), *value), (*it)->written_by()};
  }
  ASSERT_OK((*it)->status());
  ++views_;
  MutexLock lock(mu_);
  seen_.emplace_back(view->version(), std::move(state));
}

void ConcurrencyTest::ReadViews(uint64_t thread) {
  Rng rng(2000 + thread);
  std::shared_ptr<const ReadView> held;
  while (!Done()) {
    std::optional<Version> version;
    const uint64_t tip = engine_->version().value();
    if (rng.OneIn(2)) version = Version(tip - rng.Below(std::min<uint64_t>(tip + 1, 40)));
    const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
    if (!view.ok()) {
      EXPECT_TRUE(version.has_value());
      EXPECT_STATUS(view, StatusCode::kVersionUnreachable);
      continue;
    }
    Record(*view);
    // The view of the previous round has been open during commits, prunes and reuse of slots.
    if (held != nullptr) Record(held);
    held = *view;
  }
}

void ConcurrencyTest::Maintain() {
  Rng rng(3000);
  while (!Done()) {
    switch (rng.Below(5)) {
      case 0:
        EXPECT_OK(engine_->CreateSnapshot());
        break;
      case 1:
        EXPECT_OK(engine_->Prune(rng.Below(2)));
        break;
      case 2:
        EXPECT_OK(engine_->ChangeSettings({.keep_recent = rng.Below(3)}));
        break;
      case 3:
        EXPECT_OK(engine_->Pin("pin"));
        EXPECT_OK(engine_->Unpin("pin"));
        break;
      default:
        EXPECT_OK(engine_->Sync());
        break;
    }
  }
}

void ConcurrencyTest::ReadInfo() {
  while (!Done()) {
    const EngineInfo info = Info();
    EXPECT_EQ(info.health, "ok");
    EXPECT_LE(info.durable_version, info.version);
    EXPECT_LE(info.slots.at_version, engine_->version());
    const Result<CommitRecord> record = engine_->GetCommit(engine_->version());
    EXPECT_TRUE(record.ok() || HasStatus(record, StatusCode::kVersionUnreachable, {}));
  }
}

void ConcurrencyTest::CheckAgainstModel() {
  MutexLock lock(mu_);
  Model model(format_.initial_version);
  for (const auto& [version, batch] : commits_) {
    ASSERT_EQ(version, Next(model.tip())) << "a version is missing";
    model.Commit(batch);
  }
  EXPECT_EQ(engine_->version(), model.tip());
  for (const auto& [version, state] : seen_) EXPECT_EQ(state, model.At(version)) << version.value();
  CheckWhole({*engine_, nullptr, model.At(model.tip())});
  for (const auto& [first, last] : Info().reachable) {
    for (Version v = first; v <= last; v = Next(v)) {
      if (v.value() % 8 == 0 || v == last) CheckWhole({*engine_, View(v), model.At(v)});
    }
  }
  const EngineInfo info = Info();
  EXPECT_EQ(info.slots.reserved, 0);
  Reopen();
  CheckWhole({*engine_, nullptr, model.At(model.tip())});
}

TEST_P(ConcurrencyTest, NoReaderEverSeesAnotherWritersBytes) {
  FormatAndOpen();
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kCommitters; ++t) threads.emplace_back([this, t] { CommitMany(t); });
  for (uint64_t t = 0; t < 3; ++t) threads.emplace_back([this, t] { ReadTip(t); });
  for (uint64_t t = 0; t < 2; ++t) threads.emplace_back([this, t] { ReadViews(t); });
  threads.emplace_back([this] { Maintain(); });
  threads.emplace_back([this] { ReadInfo(); });
  for (std::thread& thread : threads) thread.join();
  if (HasFailure()) return;
  EXPECT_GT(engine_->stats().slots_reclaimed, engine_->Info()->slots.total)
      << "no slots were reused: the test shows nothing";
  EXPECT_GT(reads_, 0);
  EXPECT_GT(views_, 0);
  EXPECT_LE(engine_->stats().groups, engine_->stats().commits);
  CheckAgainstModel();
}

std::vector<CrowdConfig> Crowds() {
  std::vector<CrowdConfig> out;
  out.push_back({"Synced",
                 {.capacity_bytes = 6 * kMiB, .runtime = {.snapshot_interval = 0, .keep_recent = 0}},
                 {.engine = IoEngine::kPosix},
                 60});
  out.push_back({"UnsyncedAutomaticSnapshots",
                 {.capacity_bytes = 8 * kMiB,
                  .header_bytes = 4096,
                  .runtime = {.snapshot_interval = 25,
                              .keep_recent = 1,
                              .wal_segment_bytes = 128 * kKiB,
                              .durability = Durability::kUnsafeUnsynced}},
                 {.memtable_bytes = kMiB},
                 150});
  return out;
}

INSTANTIATE_TEST_SUITE_P(Crowds, ConcurrencyTest, testing::ValuesIn(Crowds()),
                         [](const auto& tested) { return tested.param.name; });

// Each commit group reads the time once, before its sync. The clock holds the leader there until every other
// committer that has not ended sleeps in the commit queue, so that the next group contains them all.
class RoundClock final : public Clock {
 public:
  uint64_t NowUnixMs() override {
    while (begun < expected) std::this_thread::yield();
    for (uint64_t i = 0; i < expected; ++i) {
      while (threads[i] != gettid() && IsRunning(threads[i])) std::this_thread::yield();
    }
    return SystemClock().NowUnixMs();
  }
  uint64_t MonotonicNs() override { return SystemClock().MonotonicNs(); }
  void Begin() {
    threads[begun_next++] = gettid();
    ++begun;
  }

  std::atomic<uint64_t> expected{0}, begun{0};

 private:
  // proc_pid_stat(5) gives "tid (name) state …". The file disappears with its thread.
  static bool IsRunning(pid_t thread) {
    std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(stat, line);
    const size_t name_end = line.rfind(')');
    return name_end != std::string::npos && line.substr(name_end + 2, 1) == "R";
  }

  std::atomic<uint64_t> begun_next{0};
  std::array<std::atomic<pid_t>, kCommitters> threads{};
};

TEST_F(EngineTest, CommittersShareSyncs) {
  RoundClock clock;
  open_.env.clock = &clock;
  FormatAndOpen();
  constexpr uint64_t kEach = 40;
  clock.expected = kCommitters;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kCommitters; ++t) {
    threads.emplace_back([&, t] {
      clock.Begin();
      for (uint64_t i = 0; i < kEach; ++i) Put("k" + std::to_string(t), std::to_string(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(stats.commits, kCommitters * kEach);
  EXPECT_LT(stats.groups, stats.commits / 2);
  EXPECT_EQ(engine_->durable_version(), Version(kCommitters * kEach));
  clock.expected = 0;
  for (uint64_t t = 0; t < kCommitters; ++t)
    EXPECT_EQ(Get("k" + std::to_string(t)), std::to_string(kEach - 1));
  Close();
  open_.env.clock = &SystemClock();
}

TEST_F(EngineTest, OneOfSeveralCommitsWithTheSameExpectedVersionSucceeds) {
  FormatAndOpen();
  for (uint64_t round = 1; round <= 20; ++round) {
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&] {
        WriteBatch batch;
        batch.Put("k", OneSlot(round));
        const CommitResult result = engine_->Commit(batch, {.expected_version = Version(round)});
        winners += result.ok() ? 1 : 0;
        EXPECT_TRUE(result.ok() ||
                    HasStatus(result, StatusCode::kFailedPrecondition, {std::to_string(round)}));
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
    ASSERT_EQ(engine_->version(), Version(round));
  }
  EXPECT_EQ(Info().slots.reserved, 0);
  EXPECT_EQ(Info().slots.live, 1);
}

}  // namespace
}  // namespace rawkv
