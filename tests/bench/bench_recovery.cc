#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr int kRuns = 11;

void PrintPair(const char* what, const std::string& small, const std::string& large, std::vector<double> a,
               std::vector<double> b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) ratios.push_back(b[i] / a[i]);
  std::printf("| %s | %s: %.1f ms | %s: %.1f ms | %.2f |\n", what, small.c_str(), Median(a) * 1e3,
              large.c_str(), Median(b) * 1e3, Median(ratios));
  std::fflush(stdout);
}

OpenOptions Quiet() {
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.env.logger = &NullLogger();
  return options;
}

// Commits some versions after a snapshot, then measures the rollback to it.
double MeasureRollback(const BenchStore& store) {
  const std::unique_ptr<Engine> engine = store.Open(Quiet());
  const Version target = CheckOk(engine->CreateSnapshot(), "snapshot");
  Fill(*engine, 0, 5000, 100);
  WriteBatch payload;
  payload.Put("payload", std::string(1 << 20, 'p'));
  CheckOk(engine->Commit(payload).status, "commit");
  const uint64_t written = engine->stats().device_bytes_written;
  const double seconds = SecondsOf([&] { CheckOk(engine->Rollback(target), "rollback"); });
  const uint64_t moved = engine->stats().device_bytes_written - written;
  // A rollback writes superblocks only: moving the payload would write a megabyte.
  if (moved > 64 * 1024) std::printf("(%lu device bytes moved by a rollback!)\n", moved);
  CheckOk(engine->Close(), "close");
  return seconds;
}

// Makes a snapshot, lets a child process commit a tail and kill itself, then measures the next open.
double MeasureOpenAfterKill(const BenchStore& store) {
  {
    const std::unique_ptr<Engine> engine = store.Open(Quiet());
    CheckOk(engine->CreateSnapshot().status(), "snapshot");
    CheckOk(engine->Close(), "close");
  }
  RunSelfUntilKilled("--commit-tail", store.dir());
  std::unique_ptr<Engine> engine;
  const double seconds = SecondsOf([&] { engine = store.Open(Quiet()); });
  CheckOk(engine->Close(), "close");
  return seconds;
}

void MeasureInTurn(const char* what, const BenchStore& a, const std::string& name_a, const BenchStore& b,
                   const std::string& name_b, double (*measure)(const BenchStore&)) {
  std::vector<double> of_a, of_b;
  measure(a);
  measure(b);
  for (int i = 0; i < kRuns; ++i) {
    of_a.push_back(measure(a));
    of_b.push_back(measure(b));
  }
  PrintPair(what, name_a, name_b, of_a, of_b);
}

}  // namespace

void CommitTail(const std::string& dir) {
  const std::unique_ptr<Engine> engine = CheckOk(Engine::Open(dir, Quiet()), "open");
  for (int i = 0; i < 500; ++i) {
    WriteBatch batch;
    batch.Put("tail" + std::to_string(i), std::string(200, 't'));
    if (i % 10 == 0) batch.Put("payload", std::string(64 * 1024, 'p'));
    CheckOk(engine->Commit(batch).status, "commit");
  }
  kill(getpid(), SIGKILL);  // the engine must not be closed
}

void BenchRollback() {
  std::printf(
      "| rollback to a snapshot's own version | small | 10x | median ratio of %d pairs |\n| --- | --- | --- "
      "| --- |\n",
      kRuns);
  BenchStore small("rollback-small", {.capacity_bytes = 1ull << 30});
  BenchStore large("rollback-large", {.capacity_bytes = 1ull << 30});
  {
    const auto a = small.Open(Quiet());
    Fill(*a, 0, 100'000, 100);
    const auto b = large.Open(Quiet());
    Fill(*b, 0, 1'000'000, 100);
  }
  MeasureInTurn("keys", small, "100k keys", large, "1M keys", MeasureRollback);
}

void BenchOpen() {
  std::printf(
      "| open after a kill, tail of 500 commits | small | large | median ratio of %d pairs |\n| --- | --- | "
      "--- | --- |\n",
      kRuns);
  {
    BenchStore small("open-1g", {.capacity_bytes = 1ull << 30});
    BenchStore large("open-100g", {.capacity_bytes = 100ull << 30});
    MeasureInTurn("device size (sparse)", small, "1 GiB", large, "100 GiB", MeasureOpenAfterKill);
  }
  BenchStore small("open-10k", {.capacity_bytes = 1ull << 30});
  BenchStore large("open-1m", {.capacity_bytes = 1ull << 30});
  {
    const auto a = small.Open(Quiet());
    Fill(*a, 0, 10'000, 100);
    const auto b = large.Open(Quiet());
    Fill(*b, 0, 1'000'000, 100);
  }
  MeasureInTurn("keys", small, "10k keys", large, "1M keys", MeasureOpenAfterKill);
}

}  // namespace rawkv::bench
