// Runs seeded random histories on a real store and compares it with a model of every version
// (docs/testing.md). Each step checks the answer of the call, and the versions, snapshots and slots of
// Info(). Some steps read in every form, read old versions and run fsck. The end reads every reachable
// version completely.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "engine/admin/repair.h"
#include "tests/engine/model_store.h"
#include "tests/support/expect_status.h"
#include "tests/support/loop_device.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Few keys, so that most puts overwrite. They cover the edges of byte order, prefixes and length.
std::vector<std::string> MakeKeys() {
  std::vector<std::string> keys;
  for (int i = 0; i < 12; ++i) keys.push_back("a/" + std::to_string(i));
  for (int i = 0; i < 12; ++i) keys.push_back("b/" + std::to_string(i * 97));
  for (const char* word : {"", "a", "a/", "b", "zz"}) keys.push_back(std::string(word) + '\0');
  for (int i = 1; i <= 3; ++i) keys.push_back(std::string(static_cast<size_t>(i), '\xff'));
  keys.push_back("\xff\xfe");
  keys.push_back(std::string("mid\0dle", 7));
  keys.push_back(std::string(3000, 'L'));
  keys.push_back(std::string(3000, 'L') + "2");
  return keys;
}

class History {
 public:
  History(const ModelConfig& config, uint64_t seed, const std::string& dir)
      : config_(config), rng_(seed), keys_(MakeKeys()), store_(config, dir) {}

  void Run() {
    store_.Format();
    store_.Open();
    const uint64_t steps = TestSteps(config_.steps / Share(1, 3));
    for (uint64_t step = 0; step < steps && !testing::Test::HasFailure(); ++step) Step(step);
    if (testing::Test::HasFailure()) return;
    store_.CheckEveryVersion();
    store_.Reopen(true);
    store_.CheckEveryVersion();
    store_.Close();
    store_.Fsck(true);
  }

 private:
  struct Choice {
    uint64_t weight;
    const char* name;
    void (History::*act)();
  };

  // Picks one operation by weight and runs it.
  void Step(uint64_t step) {
    static constexpr std::array kChoices{
        Choice{400, "commit", &History::Commit},
        Choice{120, "read the tip", &History::ReadTip},
        Choice{25, "hold a view", &History::HoldView},
        Choice{60, "read a held view", &History::ReadHeld},
        Choice{30, "drop a held view", &History::DropHeld},
        Choice{15, "read an old version", &History::ReadOld},
        Choice{20, "commit record", &History::CommitRecord},
        Choice{35, "snapshot", &History::Snapshot},
        Choice{15, "prune", &History::Prune},
        Choice{15, "pin", &History::Pin},
        Choice{12, "unpin", &History::Unpin},
        Choice{8, "delete a snapshot", &History::DeleteSnapshot},
        Choice{8, "set retention", &History::SetRetention},
        Choice{12, "roll back", &History::RollBack},
        Choice{4, "roll back offline", &History::RollBackOffline},
        Choice{10, "reopen", &History::Reopen},
        Choice{4, "reopen a copy", &History::ReopenCopy},
        Choice{3, "export", &History::Export},
        Choice{4, "grow and trim", &History::GrowAndTrim},
    };
    uint64_t total = 0;
    for (const Choice& choice : kChoices) total += choice.weight;
    uint64_t at = rng_.Below(total);
    for (const Choice& choice : kChoices) {
      if (at < choice.weight) {
        SCOPED_TRACE("step " + std::to_string(step) + ": " + choice.name);
        return (this->*choice.act)();
      }
      at -= choice.weight;
    }
  }

  ValueRecipe NewValue() {
    const uint64_t seed = rng_.Next();
    if (rng_.OneIn(3)) return {seed, rng_.Below(200)};
    if (rng_.OneIn(2)) return {seed, rng_.Pick(config_.value_bytes)};
    return {seed, rng_.Below(config_.value_bytes_max >> rng_.Below(6))};
  }

  ModelOp NewOp() {
    ModelOp op;
    op.key = rng_.Pick(keys_);
    const uint64_t kind = rng_.Below(40);
    if (kind < 30) {
      op.value = NewValue();
    } else if (kind < 37) {
      op.kind = ModelOp::Kind::kDelete;
    } else if (kind < 39) {
      op.kind = ModelOp::Kind::kDeleteRange;
      op.end_key = rng_.Pick(keys_);
      if (op.end_key == op.key || rng_.OneIn(10)) op.end_key.clear();
      if (!op.end_key.empty() && op.end_key < op.key) std::swap(op.key, op.end_key);
      if (rng_.OneIn(20)) op.key.clear();
    } else {
      op.kind = ModelOp::Kind::kDeletePrefix;
      op.key = op.key.substr(0, rng_.OneIn(20) ? 0 : 3);
    }
    return op;
  }

  void Commit() {
    ModelBatch batch;
    const uint64_t ops = rng_.OneIn(20) ? 0 : rng_.OneIn(4) ? rng_.Between(2, 12) : 1;
    for (uint64_t i = 0; i < ops; ++i) batch.ops.push_back(NewOp());
    if (ops > 1 && rng_.OneIn(3)) {
      ModelOp again = NewOp();  // the same key twice
      again.key = batch.ops.front().key;
      if (again.kind != ModelOp::Kind::kDeleteRange && !again.key.empty()) batch.ops.push_back(again);
    }
    if (rng_.OneIn(3)) batch.metadata = MakeValue({rng_.Next(), rng_.Below(300)});
    CommitOptions options;
    if (rng_.OneIn(8)) options.expected_version = Version(store_.model().tip().value() + rng_.Below(3));
    if (rng_.OneIn(10)) options.durability = Durability::kSynced;
    store_.Commit(batch, options);
  }

  void ReadTip() {
    const ReadSubject tip{store_.engine(), nullptr, store_.model().At(store_.model().tip())};
    CheckOneKey(tip, keys_, rng_);
    CheckMultiGet(tip, keys_, rng_);
    CheckWalk(tip, keys_, rng_);
  }

  void ReadOld() {
    const Version version = store_.PickReachable(rng_);
    store_.CheckVersion(version);
    const Result<std::shared_ptr<const ReadView>> view = store_.engine().OpenView(version);
    if (!view.ok()) return;  // judged by CheckVersion
    const ReadSubject old{store_.engine(), *view, store_.model().At(version)};
    CheckOneKey(old, keys_, rng_);
    CheckMultiGet(old, keys_, rng_);
    CheckWalk(old, keys_, rng_);
  }

  // Mostly a reachable version, sometimes any.
  Version AnyVersion() {
    if (!rng_.OneIn(4)) return store_.PickReachable(rng_);
    return Version(rng_.Between(store_.model().initial().value(), store_.model().tip().value() + 2));
  }

  Version AnySnapshot() {
    if (rng_.OneIn(5)) return AnyVersion();
    return rng_.Pick(store_.snapshots()).version;
  }

  void HoldView() {
    if (store_.held() >= 4) return store_.DropHeld(rng_);
    if (rng_.OneIn(3)) return store_.HoldTip();
    store_.HoldView(AnyVersion());
  }

  void ReadHeld() { store_.ReadHeld(rng_); }
  void DropHeld() { store_.DropHeld(rng_); }
  void CommitRecord() { store_.CheckCommitRecord(AnyVersion()); }
  void Snapshot() { store_.CreateSnapshot(); }

  void Prune() {
    std::optional<uint64_t> keep;
    if (rng_.OneIn(2)) keep = rng_.Below(4);
    store_.Prune(keep);
  }

  void Pin() {
    const std::string name = "pin-" + std::to_string(rng_.Below(4));
    store_.Pin(name, rng_.OneIn(3) ? std::nullopt : std::optional(AnySnapshot()));
  }

  void Unpin() { store_.Unpin("pin-" + std::to_string(rng_.Below(4))); }
  void DeleteSnapshot() { store_.DeleteSnapshot(AnySnapshot()); }
  void SetRetention() { store_.SetKeepRecent(rng_.Below(4)); }

  void RollBack() {
    while (store_.held() > 0 && !rng_.OneIn(4)) store_.DropHeld(rng_);
    store_.Rollback(AnyVersion(), rng_.OneIn(2));
  }

  void RollBackOffline() {
    while (store_.held() > 0) store_.DropHeld(rng_);
    store_.OfflineRollback(store_.PickReachable(rng_), rng_.OneIn(2));
  }

  void GrowAndTrim() { store_.GrowAndTrim(); }
  void Reopen() { store_.Reopen(rng_.OneIn(2)); }

  void ReopenCopy() {
    // A copy that is made during background writes can show a state that never existed.
    const bool quiet =
        config_.format.runtime.snapshot_interval == 0 && config_.open.memtable_bytes >= 64 * kMiB;
    if (!quiet || !config_.format.device.empty()) return Reopen();
    store_.ReopenCopy();
  }

  void Export() { store_.ExportAndImport(store_.PickReachable(rng_)); }

  const ModelConfig& config_;
  Rng rng_;
  std::vector<std::string> keys_;
  ModelStore store_;
};

// Value sizes at the edges of blocks, slots and chunks.
std::vector<uint64_t> EdgeSizes(uint64_t max) {
  std::vector<uint64_t> out;
  for (const uint64_t edge : {uint64_t{0}, uint64_t{1024}, uint64_t{4096}, uint64_t{8192}, uint64_t{65536},
                              uint64_t{65536 - 4096}, uint64_t{256 * 1024}, uint64_t{512 * 1024}, 3 * kMiB}) {
    for (const uint64_t bytes : {edge == 0 ? 0 : edge - 1, edge, edge + 1}) {
      if (bytes <= max) out.push_back(bytes);
    }
  }
  return out;
}

ModelConfig Configure(std::string name, FormatOptions format, OpenOptions open, uint64_t value_bytes_max,
                      uint64_t steps) {
  return {std::move(name), std::move(format),
          std::move(open), EdgeSizes(value_bytes_max),
          value_bytes_max, steps};
}

std::vector<ModelConfig> Configurations() {
  std::vector<ModelConfig> out;
  out.push_back(
      Configure("PosixSmallSegments",
                {.capacity_bytes = 96 * kMiB,
                 .runtime = {.snapshot_interval = 0, .keep_recent = 2, .wal_segment_bytes = 64 * 1024}},
                {.engine = IoEngine::kPosix}, 600 * 1024, 500));
  out.push_back(
      Configure("RingHeadersNoInline",
                {.capacity_bytes = 96 * kMiB,
                 .header_bytes = 4096,
                 .inline_bytes = 0,
                 .runtime = {.snapshot_interval = 20, .keep_recent = 1, .wal_segment_bytes = 256 * 1024}},
                {.engine = IoEngine::kIoUring,
                 .queue_depth = 4,
                 .memtable_bytes = kMiB,
                 .value_cache_bytes = 256 * 1024},
                600 * 1024, 350));
  out.push_back(Configure("LargeSlotsLargeValues",
                          {.capacity_bytes = 512 * kMiB,
                           .slot_bytes = 65536,
                           .initial_version = Version(1000),
                           .runtime = {.snapshot_interval = 0, .keep_recent = 1}},
                          {}, 4 * kMiB, 200));
  out.push_back(Configure(
      "LargeSlotsHeadersBuffered",
      {.capacity_bytes = 128 * kMiB,
       .slot_bytes = 65536,
       .header_bytes = 4096,
       .runtime = {.snapshot_interval = 50, .keep_recent = 0, .durability = Durability::kUnsafeUnsynced}},
      {.engine = IoEngine::kPosix, .cache = CacheMode::kBuffered}, 300 * 1024, 500));
  out.push_back(Configure(
      "UnsyncedSmallMemtable",
      {.capacity_bytes = 96 * kMiB,
       .inline_bytes = 4096,
       .runtime = {.snapshot_interval = 0,
                   .keep_recent = 3,
                   .wal_segment_bytes = 128 * 1024,
                   .durability = Durability::kUnsafeUnsynced}},
      {.memtable_bytes = kMiB, .block_cache_bytes = kMiB, .value_cache_bytes = kMiB, .discard_freed = true},
      300 * 1024, 700));
  ModelConfig tiny =
      Configure("TinyDevice",
                {.capacity_bytes = 2 * kMiB,
                 .inline_bytes = 100,
                 .runtime = {.snapshot_interval = 0, .keep_recent = 2, .wal_segment_bytes = 64 * 1024}},
                {.engine = IoEngine::kPosix}, 100 * 1024, 500);
  tiny.fills_up = true;
  out.push_back(tiny);
  tiny.name = "TinyDeviceAutomaticSnapshots";
  tiny.format.header_bytes = 4096;
  tiny.format.runtime.snapshot_interval = 10;
  tiny.format.runtime.durability = Durability::kUnsafeUnsynced;
  tiny.open.engine = IoEngine::kIoUring;
  out.push_back(tiny);
  return out;
}

class ModelTest : public testing::TestWithParam<ModelConfig> {};

TEST_P(ModelTest, EveryReachableVersionEqualsTheModel) {
  if (GetParam().open.engine == IoEngine::kIoUring) {
    const TempDir dir;
    ASSERT_OK(CreateDeviceFile(dir.File("probe"), kMiB));
    const auto probe = OpenBlockDevice(dir.File("probe"), {.engine = IoEngine::kIoUring});
    if (!probe.ok()) GTEST_SKIP() << probe.status().ToString();
  }
  const TempDir dir;
  History(GetParam(), TestSeed(1), dir.File("store")).Run();
}

INSTANTIATE_TEST_SUITE_P(Configurations, ModelTest, testing::ValuesIn(Configurations()),
                         [](const auto& tested) { return tested.param.name; });

TEST(ModelOnBlockDeviceTest, EveryReachableVersionEqualsTheModel) {
  const TempDir dir;
  ASSERT_OK(CreateDeviceFile(dir.File("backing"), 64 * kMiB));
  const Result<LoopDevice> loop = LoopDevice::Attach(dir.File("backing"));
  if (!loop.ok()) GTEST_SKIP() << loop.status().ToString();
  const ModelConfig config = Configure(
      "BlockDevice",
      {.device = loop->path(), .inline_bytes = 500, .runtime = {.snapshot_interval = 0, .keep_recent = 2}},
      {.discard_freed = true}, 600 * 1024, 250);
  History(config, TestSeed(1), dir.File("store")).Run();
}

// The drive must have 64 MiB or more, and loses its content.
TEST(ModelOnNvmeTest, EveryReachableVersionEqualsTheModel) {
  const char* const node = std::getenv("RAWKV_TEST_NVME");
  if (node == nullptr) GTEST_SKIP() << "RAWKV_TEST_NVME names no NVMe character device (tests/nvme/run)";
  const TempDir dir;
  const ModelConfig config = Configure("Nvme",
                                       {.device = node,
                                        .inline_bytes = 500,
                                        .force = true,
                                        .runtime = {.snapshot_interval = 0, .keep_recent = 2}},
                                       {.engine = IoEngine::kNvme, .discard_freed = true}, 1200 * 1024, 250);
  History(config, TestSeed(1), dir.File("store")).Run();
}

}  // namespace
}  // namespace rawkv
