#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "engine/checkpoint/rebuild.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kCheckpointedKeys = 524'288;
constexpr uint64_t kCheckpointedBytes = 4096;
constexpr int kCheckpointRounds = 12;
constexpr int kCheckpointsARound = 2;
constexpr uint64_t kCommitsBetween = 1000;  // at least

// One thread commits values of 4 KiB all the time, while rounds without a checkpoint alternate with rounds in
// which one checkpoint follows the other. A commit counts as overlapping if a checkpoint was under way at its
// begin or its end.
void MeasureCommits(Engine& engine) {
  std::atomic<bool> under_way{false}, done{false};
  std::atomic<uint64_t> commits{0};
  std::vector<double> overlapping, alone, checkpoint_ms;
  std::thread committer([&] {
    const std::string value(kCheckpointedBytes, 'x');
    for (uint64_t i = 0; !done; ++i) {
      WriteBatch batch;
      batch.Put("k" + std::to_string(i * 7919 % kCheckpointedKeys), value);
      const bool before = under_way;
      const double us = SecondsOf([&] { CheckOk(engine.Commit(batch).status, "commit"); }) * 1e6;
      (before || under_way ? overlapping : alone).push_back(us);
      ++commits;
      commits.notify_one();
    }
  });
  for (int round = 0; round < kCheckpointRounds; ++round) {
    const uint64_t first = commits;
    if (round == 0) commits.wait(0);
    under_way = true;
    for (int i = 0; i < kCheckpointsARound; ++i) {
      checkpoint_ms.push_back(SecondsOf([&] { CheckOk(engine.WriteCheckpoint().status(), "checkpoint"); }) *
                              1e3);
    }
    under_way = false;
    // At least as many without.
    const uint64_t goal = commits + std::max(commits - first, kCommitsBetween);
    for (uint64_t seen = commits; seen < goal; seen = commits) commits.wait(seen);
  }
  done = true;
  committer.join();
  const Percentiles took = PercentilesOf(checkpoint_ms);
  std::printf("%zu checkpoints, p50 %.0f ms, max %.0f ms\n\n", took.samples, took.p50, took.max);
  std::printf("| commits | number | p50 us | p99 us | max us |\n| --- | --- | --- | --- | --- |\n");
  const Percentiles without = PercentilesOf(alone), with = PercentilesOf(overlapping);
  std::printf("| without a checkpoint | %zu | %.0f | %.0f | %.0f |\n", without.samples, without.p50,
              without.p99, without.max);
  std::printf("| during one | %zu | %.0f | %.0f | %.0f |\n", with.samples, with.p50, with.p99, with.max);
  std::printf("\np99 ratio %.2f\n", with.p99 / without.p99);
}

}  // namespace

void BenchCheckpoint() {
  BenchStore store("checkpoint", {.capacity_bytes = 6ull << 30, .meta_total_bytes = 256ull << 20});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.checkpoint_interval_ms = 0;
  options.env.logger = &NullLogger();
  {
    const std::unique_ptr<Engine> engine = store.Open(options);
    Fill(*engine, 0, kCheckpointedKeys, kCheckpointedBytes);
    CheckOk(engine->WriteCheckpoint().status(), "checkpoint");
    const CheckpointInfo made = *CheckOk(engine->Info(), "info").checkpoint;
    std::printf("%lu keys with values of %lu bytes: %lu bytes of checkpoint\n\n", made.records,
                kCheckpointedBytes, made.bytes);
    MeasureCommits(*engine);
    CheckOk(engine->Close(), "close");
  }
  std::vector<double> seconds;
  const std::string rebuilt = store.dir() + "-rebuilt";
  for (int run = 0; run < 3; ++run) {
    std::filesystem::remove_all(rebuilt);
    RebuildReport report;
    seconds.push_back(SecondsOf([&] {
      report = CheckOk(RebuildStore(rebuilt, {.device = store.dir() + "/device.img", .env = options.env}),
                       "rebuild");
    }));
    if (report.keys != kCheckpointedKeys) std::printf("(%lu keys were rebuilt!)\n", report.keys);
  }
  std::filesystem::remove_all(rebuilt);
  std::printf("\nrebuild: median %.2f s of %zu runs\n", Median(seconds), seconds.size());
}

}  // namespace rawkv::bench
