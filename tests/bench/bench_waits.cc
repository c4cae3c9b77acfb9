#include <array>
#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kRecords = 20'000;         // replayed for the old view
constexpr uint64_t kChangedKeys = 1'000'000;  // flushed by the snapshot
constexpr uint64_t kVersionsBack = 100;

struct Probe {
  const char* name;
  std::function<Status(Engine&)> call;
};

const std::array<Probe, 5>& Probes() {
  static const std::array<Probe, 5> probes{{
      {"Sync", [](Engine& e) { return e.Sync(); }},
      {"Info", [](Engine& e) { return e.Info().status(); }},
      {"GetCommit", [](Engine& e) { return e.GetCommit(e.version()).status(); }},
      {"view of the tip", [](Engine& e) { return e.OpenView().status(); }},
      {"Get", [](Engine& e) { return e.Get("k0").status(); }},
  }};
  return probes;
}

// Calls every probe repeatedly, each in its own thread, while `work` runs, and prints the times of the calls.
// kVersionUnreachable is no error: a rollback may remove a version between two calls.
void MeasureDuring(const char* name, Engine& engine, const std::function<void()>& work) {
  std::atomic<bool> done{false};
  std::array<std::vector<double>, 5> samples;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < Probes().size(); ++i) {
    threads.emplace_back([&, i] {
      while (!done) {
        const double ms = SecondsOf([&] {
                            const Status status = Probes()[i].call(engine);
                            if (status.code() != StatusCode::kVersionUnreachable)
                              CheckOk(status, Probes()[i].name);
                          }) *
                          1e3;
        samples[i].push_back(ms);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // leaves a core to the work
      }
    });
  }
  const double seconds = SecondsOf(work);
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < Probes().size(); ++i) {
    const Percentiles p = PercentilesOf(samples[i]);
    std::printf("| %s, %.2f s | %s | %zu | %.2f | %.2f | %.2f |\n", name, seconds, Probes()[i].name,
                p.samples, p.p50, p.p99, p.max);
  }
  std::fflush(stdout);
}

}  // namespace

void BenchWaits() {
  BenchStore store("waits", {.capacity_bytes = 1ull << 30});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.settings.durability = Durability::kUnsafeUnsynced;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  std::printf("| while | call | calls | p50 ms | p99 ms | max ms |\n| --- | --- | --- | --- | --- | --- |\n");
  for (uint64_t i = 0; i < kRecords; ++i) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i % 1000), std::string(100, 'x'));
    CheckOk(engine->Commit(batch).status, "commit");
  }
  MeasureDuring("an old view is opened", *engine,
                [&] { CheckOk(engine->OpenView(Version(kRecords - 1)).status(), "old view"); });
  Fill(*engine, 0, kChangedKeys, 100);
  MeasureDuring("a snapshot is made", *engine,
                [&] { CheckOk(engine->CreateSnapshot().status(), "snapshot"); });
  Fill(*engine, 0, kChangedKeys, 100);
  for (uint64_t i = 0; i < kVersionsBack; ++i) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), std::string(100, 'y'));
    CheckOk(engine->Commit(batch).status, "commit");
  }
  MeasureDuring("a rollback runs", *engine, [&] {
    // The views that the probe opens at the tip block the rollback sometimes.
    Status status;
    do {
      status = engine->Rollback(Version(engine->version().value() - kVersionsBack));
    } while (status.code() == StatusCode::kFailedPrecondition);
    CheckOk(status, "rollback");
  });
}

}  // namespace rawkv::bench
