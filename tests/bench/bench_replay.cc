#include <algorithm>
#include <cstdio>
#include <ctime>

#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr int kReplays = 7;
constexpr uint64_t kPuts = 400'000;  // in the log of each store

double ProcessSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Opens the version before the newest one, which replays all the log there is, and returns the processor time
// of all threads together.
double MeasureReplay(Engine& engine) {
  CheckOk(engine.Prune().status(), "prune");  // drops the index of the view before
  const double begin = ProcessSeconds();
  CheckOk(engine.OpenView(Previous(engine.version())).status(), "old view");
  return ProcessSeconds() - begin;
}

// A log of puts to `keys` different keys in an order without a pattern.
struct ReplayedLog {
  uint64_t puts_per_version, keys, value_bytes;
};

void MeasureStore(const ReplayedLog& log) {
  BenchStore store("replay", {.capacity_bytes = 4ull << 30});
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.settings.undo_versions = 0;  // with undo records the view would not be replayed
  options.settings.durability = Durability::kUnsafeUnsynced;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  for (uint64_t i = 0; i < kPuts;) {
    WriteBatch batch;
    for (uint64_t n = 0; n < log.puts_per_version; ++n, ++i) {
      char key[32];
      std::snprintf(key, sizeof(key), "key%016llx", i % log.keys * 0x9e3779b97f4a7c15ull);
      batch.Put(key, std::string(log.value_bytes, 'v'));
    }
    CheckOk(engine->Commit(batch).status, "commit");
  }
  std::vector<double> rates;
  for (int i = 0; i < kReplays; ++i)
    rates.push_back(static_cast<double>(kPuts) / MeasureReplay(*engine) / 1e3);
  std::sort(rates.begin(), rates.end());
  const double log_mib = static_cast<double>(engine->stats().log_bytes_written) / (1 << 20);
  std::printf("| %lu | %lu | %lu | %.0f | %.0f | %.0f | %.0f |\n", log.puts_per_version, log.keys,
              log.value_bytes, rates.front(), Median(rates), rates.back(),
              Median(rates) * 1e3 / kPuts * log_mib);
  std::fflush(stdout);
}

}  // namespace

void BenchReplay() {
  std::printf(
      "| puts a version | different keys | bytes of a value | thousand puts a second of one core, lowest of "
      "%d | median | highest | MiB of log a second |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n",
      kReplays);
  for (const uint64_t puts_per_version : {1, 10, 100}) {
    for (const uint64_t keys : {kPuts, kPuts / 10}) {
      for (const uint64_t value_bytes : {100, 1000, 4096})
        MeasureStore({puts_per_version, keys, value_bytes});
    }
  }
}

}  // namespace rawkv::bench
