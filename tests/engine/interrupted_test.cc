// Runs the whole engine on a real directory while system calls and ring completions are interrupted, refused
// temporarily and cut short. No call of the engine may fail.

#include <cstdio>

#include "tests/engine/model_store.h"
#include "tests/support/expect_status.h"
#include "tests/support/interrupted_calls.h"
#include "tests/support/interrupted_device.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

ModelBatch RandomBatch(Rng& rng) {
  static const std::vector<uint64_t> kSizes{0, 10, 1000, 1025, 4096, 5000, 70'000, 262'144, 300'000};
  ModelBatch batch;
  for (uint64_t n = rng.Between(1, 6); n > 0; --n) {
    const std::string key = "key" + std::to_string(rng.Below(30));
    if (rng.OneIn(5)) {
      batch.ops.push_back({.kind = ModelOp::Kind::kDelete, .key = key});
    } else {
      batch.ops.push_back({.kind = ModelOp::Kind::kPut, .key = key, .value = {rng.Next(), rng.Pick(kSizes)}});
    }
  }
  return batch;
}

// Runs every protocol in a random order. All calls of ModelStore must succeed.
void RunRandomHistory(ModelStore& store, Rng& rng, uint64_t steps) {
  store.Format();
  store.Open();
  for (uint64_t i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
    switch (rng.Below(16)) {
      case 0:
        store.CreateSnapshot();
        break;
      case 1:
        store.Prune(1);
        break;
      case 2:
        store.Reopen(/*deep_check=*/rng.OneIn(2));
        break;
      case 3:
        store.Rollback(store.PickReachable(rng), /*drop_pins=*/true);
        break;
      case 4:
        store.ExportAndImport(store.PickReachable(rng));
        break;
      case 5:
        store.CheckVersion(store.PickReachable(rng));
        break;
      case 6:
        store.ReopenCopy();
        break;
      default:
        store.Commit(RandomBatch(rng));
    }
    store.CheckInfo();
  }
  store.CheckEveryVersion();
  store.Close();
  store.Fsck(/*deep=*/true);
}

class InterruptedTest : public testing::TestWithParam<IoEngine> {};

TEST_P(InterruptedTest, InterruptedAndShortCallsAreContinued) {
  const TempDir dir;
  ModelConfig config{
      .name = "interrupted",
      .format = {.capacity_bytes = 96 << 20,
                 .runtime = {.snapshot_interval = 0, .keep_recent = 1, .wal_segment_bytes = 256 << 10}},
      .open = {.engine = GetParam(), .queue_depth = 8, .memtable_bytes = 64 << 10}};
  config.format.env.open_device = config.open.env.open_device = OpenInterruptedDevice;
  const std::string probe = dir.File("probe");
  ASSERT_OK(CreateDeviceFile(probe, 1 << 20));
  if (const auto can = OpenInterruptedDevice(probe, {.engine = GetParam()}); !can.ok()) {
    GTEST_SKIP() << can.status().ToString();
  }
  const uint64_t seed = TestSeed(1);
  Rng rng(seed);
  std::map<std::string, uint64_t> counts;
  {
    const InterruptedCalls interrupted(seed);
    ModelStore store(config, dir.File("store"));
    RunRandomHistory(store, rng, TestSteps(150));
    counts = interrupted.counts();
  }
  for (const auto& [what, count] : counts) {
    std::printf("%s: %llu\n", what.c_str(), static_cast<unsigned long long>(count));
  }
  std::vector<std::string> wanted{"pread EINTR",       "pread EAGAIN",      "pread short",
                                  "pwrite EINTR",      "pwrite EAGAIN",     "pwrite short",
                                  "open EINTR",        "flock EINTR",       "index pread EINTR",
                                  "index pread short", "index write EINTR", "index write short"};
  if (GetParam() == IoEngine::kIoUring) {
    for (const char* what : {"ring completion EINTR", "ring completion EAGAIN", "ring completion short",
                             "ring submit EAGAIN", "ring wait EINTR"}) {
      wanted.emplace_back(what);
    }
  }
  for (const std::string& what : wanted) EXPECT_GT(counts[what], 0u) << what;
}

INSTANTIATE_TEST_SUITE_P(Engines, InterruptedTest, testing::Values(IoEngine::kPosix, IoEngine::kIoUring),
                         [](const auto& tested) { return std::string(IoEngineName(tested.param)); });

}  // namespace
}  // namespace rawkv
