#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/bench/bench_store.h"

namespace rawkv::bench {

// One thread commits all the time; another thread makes snapshots. A commit counts as overlapping if a
// snapshot was under way at its begin or its end.
void BenchSnapshotOverlap() {
  constexpr int kSnapshots = 30;
  constexpr int kCommitsBetween = 1500;
  BenchStore store("snapshot", {.capacity_bytes = 2ull << 30});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  Fill(*engine, 0, 200'000, 200);

  std::atomic<bool> under_way{false};
  std::atomic<bool> done{false};
  std::atomic<uint64_t> commits{0};
  std::vector<double> overlapping, alone, snapshot_ms;
  std::thread committer([&] {
    for (uint64_t i = 0; !done; ++i) {
      WriteBatch batch;
      batch.Put("live" + std::to_string(i % 5000), std::string(200, 'x'));
      if (i % 20 == 0) batch.Put("payload" + std::to_string(i % 50), std::string(64 * 1024, 'p'));
      const bool before = under_way;
      const double us = SecondsOf([&] { CheckOk(engine->Commit(batch).status, "commit"); }) * 1e6;
      (before || under_way ? overlapping : alone).push_back(us);
      ++commits;
      commits.notify_one();
    }
  });
  for (int i = 0; i < kSnapshots; ++i) {
    const uint64_t goal = commits + kCommitsBetween;
    for (uint64_t seen = commits; seen < goal; seen = commits) commits.wait(seen);
    under_way = true;
    snapshot_ms.push_back(SecondsOf([&] { CheckOk(engine->CreateSnapshot().status(), "snapshot"); }) * 1e3);
    under_way = false;
  }
  done = true;
  committer.join();

  const Percentiles snap = PercentilesOf(snapshot_ms);
  std::printf("%d snapshots, p50 %.1f ms, max %.1f ms\n\n", kSnapshots, snap.p50, snap.max);
  std::printf("| commits | number | p50 us | p99 us | max us |\n| --- | --- | --- | --- | --- |\n");
  for (const auto& [name, samples] :
       {std::pair("overlapping a snapshot", overlapping), std::pair("others", alone)}) {
    const Percentiles p = PercentilesOf(samples);
    std::printf("| %s | %zu | %.0f | %.0f | %.0f |\n", name, p.samples, p.p50, p.p99, p.max);
  }
}

}  // namespace rawkv::bench
