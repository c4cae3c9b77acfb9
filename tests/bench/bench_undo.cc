#include <sys/resource.h>

#include <cstdio>

#include "engine/admin/repair.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kKeys = 1'000'000;
constexpr uint64_t kVersions = 2'000;
constexpr uint64_t kKeysAVersion = 500;
constexpr uint64_t kUndoneVersions = 5;
constexpr int kUndoRuns = 9;

OpenOptions WithUndo(uint64_t undo_versions) {
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.settings.undo_versions = undo_versions;
  options.env.logger = &NullLogger();
  return options;
}

// Overwrites `keys` keys that are spread over all of them.
void Overwrite(Engine& engine, uint64_t seed, uint64_t keys) {
  WriteBatch batch;
  for (uint64_t i = 0; i < keys; ++i) {
    const uint64_t key = (seed * 7919 + i * 104'729) % kKeys;
    batch.Put("k" + std::to_string(key), std::string(100, static_cast<char>('a' + seed % 26)));
  }
  CheckOk(engine.Commit(batch).status, "commit");
}

void Advance(Engine& engine, uint64_t versions) {
  for (uint64_t i = 0; i < versions; ++i) Overwrite(engine, engine.version().value(), kKeysAVersion);
}

void Print(const char* what, uint64_t undo_versions, const std::vector<double>& seconds) {
  const Percentiles p = PercentilesOf(seconds);
  std::printf("| %s | %lu | %zu | %.0f | %.0f |\n", what, undo_versions, p.samples, p.p50 * 1e3, p.max * 1e3);
  std::fflush(stdout);
}

// Times of the ways back from the tip, as often as `runs`.
void MeasureWaysBack(const BenchStore& store, uint64_t undo_versions, int runs) {
  std::vector<double> live, view, closed, reader;
  for (int i = 0; i < runs; ++i) {
    std::unique_ptr<Engine> engine = store.Open(WithUndo(undo_versions));
    Advance(*engine, kUndoneVersions);
    const Version tip = engine->version();
    view.push_back(SecondsOf([&] {
      const auto old = CheckOk(engine->OpenView(Version(tip.value() - 2 * kUndoneVersions)), "old view");
      CheckOk(engine->Get("k0", {.view = old.get()}).status(), "get");
    }));
    live.push_back(
        SecondsOf([&] { CheckOk(engine->Rollback(Version(tip.value() - kUndoneVersions)), "rollback"); }));
    Advance(*engine, kUndoneVersions);
    CheckOk(engine->Close(), "close");
    reader.push_back(SecondsOf([&] {
      OpenOptions options = WithUndo(undo_versions);
      options.read_only = true;
      const std::unique_ptr<Engine> other = store.Open(options);
      const auto old = CheckOk(other->OpenView(Version(tip.value() - 2 * kUndoneVersions)), "old view");
      CheckOk(other->Get("k0", {.view = old.get()}).status(), "get");
    }));
    closed.push_back(SecondsOf([&] {
      CheckOk(
          OfflineRollback(store.dir(), Version(tip.value() - kUndoneVersions), {}, WithUndo(undo_versions)),
          "rollback of a closed store");
    }));
  }
  Print("rollback by 5 versions", undo_versions, live);
  Print("the same, closed store", undo_versions, closed);
  Print("read-only open, such a view, and a get", undo_versions, reader);
  Print("view of the version 10 before the tip, and a get", undo_versions, view);
}

// One commit, in microseconds: wall-clock time, processor time of the thread that commits, and of all
// threads. The last also has what RocksDB flushes and compacts meanwhile, which comes in large pieces.
struct CommitCost {
  double wall = 0, thread_cpu = 0, all_cpu = 0;
};

double CpuSeconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CommitCost MeasureCommits(Engine& engine, uint64_t* seed, uint64_t commits, uint64_t keys) {
  const double thread_cpu = CpuSeconds(RUSAGE_THREAD), all_cpu = CpuSeconds(RUSAGE_SELF);
  const double wall = SecondsOf([&] {
    for (uint64_t i = 0; i < commits; ++i) Overwrite(engine, (*seed)++, keys);
  });
  const double each = 1e6 / static_cast<double>(commits);
  return {wall * each, (CpuSeconds(RUSAGE_THREAD) - thread_cpu) * each,
          (CpuSeconds(RUSAGE_SELF) - all_cpu) * each};
}

// What one size of the undo window costs and gives.
struct WindowCase {
  uint64_t undo_versions;
  std::unique_ptr<BenchStore> store;
  std::unique_ptr<Engine> engine;
  uint64_t seed = 1;
  std::vector<double> commit_wall_us, commit_cpu_us;
};

double RollbackMs(Engine& engine, uint64_t versions) {
  constexpr int kRollbacks = 5;
  std::vector<double> seconds;
  for (int i = 0; i < kRollbacks; ++i) {
    Advance(engine, versions);
    const Version target(engine.version().value() - versions);
    seconds.push_back(SecondsOf([&] { CheckOk(engine.Rollback(target), "rollback"); }));
  }
  return Median(seconds) * 1e3;
}

// Closes the store, which writes the records of the window, and opens it again. Returns the seconds of the
// close.
double CloseAndOpen(WindowCase& window) {
  const double seconds = SecondsOf([&] { CheckOk(window.engine->Close(), "close"); });
  window.engine = window.store->Open(WithUndo(window.undo_versions));
  return seconds;
}

uint64_t IndexBytes(Engine& engine) {
  CheckOk(engine.CreateSnapshot().status(), "snapshot");
  return CheckOk(engine.Info(), "info").snapshots.back().bytes;
}

}  // namespace

void BenchUndo() {
  std::printf("1M keys, a snapshot, then %lu versions of %lu keys.\n\n", kVersions, kKeysAVersion);
  std::printf("| what | undo_versions | runs | p50 ms | max ms |\n| --- | --- | --- | --- | --- |\n");
  BenchStore store("undo", {.capacity_bytes = 1ull << 30});
  {
    OpenOptions options = WithUndo(128);
    options.settings.durability = Durability::kUnsafeUnsynced;
    const std::unique_ptr<Engine> engine = store.Open(options);
    Fill(*engine, 0, kKeys, 100);
    CheckOk(engine->CreateSnapshot().status(), "snapshot");
    Advance(*engine, kVersions);
    CheckOk(engine->Close(), "close");
  }
  MeasureWaysBack(store, 128, kUndoRuns);
  MeasureWaysBack(store, 0, 1);
}

void BenchUndoCommit() {
  std::printf("Synced commits to a store of 1M keys, one writer, with and without undo records in turn.\n\n");
  std::printf(
      "| keys a commit | us without | us with | median ratio of %d pairs | thread CPU us without | with | "
      "median ratio | all CPU us without | with |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
      kUndoRuns + 2);
  BenchStore with_store("undo-with", {.capacity_bytes = 1ull << 30});
  BenchStore without_store("undo-without", {.capacity_bytes = 1ull << 30});
  const std::unique_ptr<Engine> with = with_store.Open(WithUndo(128));
  const std::unique_ptr<Engine> without = without_store.Open(WithUndo(0));
  Fill(*with, 0, kKeys, 100);
  Fill(*without, 0, kKeys, 100);
  CheckOk(with->CreateSnapshot().status(), "snapshot");
  CheckOk(without->CreateSnapshot().status(), "snapshot");
  uint64_t with_seed = 1, without_seed = 1;
  for (const auto& [keys, commits] :
       {std::pair<uint64_t, uint64_t>{1, 1000}, {10, 800}, {100, 200}, {500, 80}}) {
    std::vector<CommitCost> off_costs, on_costs;
    MeasureCommits(*without, &without_seed, commits / 4, keys);
    MeasureCommits(*with, &with_seed, commits / 4, keys);
    for (int i = 0; i < kUndoRuns + 2; ++i) {
      CommitCost on, off;
      if (i % 2 == 0) on = MeasureCommits(*with, &with_seed, commits, keys);
      off = MeasureCommits(*without, &without_seed, commits, keys);
      if (i % 2 != 0) on = MeasureCommits(*with, &with_seed, commits, keys);
      off_costs.push_back(off);
      on_costs.push_back(on);
    }
    std::printf("| %lu |", keys);
    for (double CommitCost::*part : {&CommitCost::wall, &CommitCost::thread_cpu, &CommitCost::all_cpu}) {
      std::vector<double> off_us, on_us, ratios;
      for (size_t i = 0; i < off_costs.size(); ++i) {
        off_us.push_back(off_costs[i].*part);
        on_us.push_back(on_costs[i].*part);
        ratios.push_back(on_us.back() / off_us.back());
      }
      std::printf(" %.0f | %.0f |", Median(off_us), Median(on_us));
      if (part != &CommitCost::all_cpu) std::printf(" %.3f |", Median(ratios));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

void BenchUndoWindow() {
  constexpr uint64_t kFilledVersions = 2'200, kReplayedVersions = 1'000;
  constexpr uint64_t kCommits = 80;
  std::printf(
      "1M keys, then %lu versions of %lu keys, and commits of as many. Rollbacks: %lu versions after a "
      "snapshot.\n\n",
      kFilledVersions, kKeysAVersion, kReplayedVersions);
  std::printf(
      "| undo_versions | rollback by 5 ms | by 100 ms | commit us | thread CPU us | close ms | index bytes "
      "|\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n");
  std::vector<WindowCase> windows;
  for (const uint64_t undo_versions : {0, 32, 128, 512, 2048}) {
    WindowCase& window = windows.emplace_back();
    window.undo_versions = undo_versions;
    window.store = std::make_unique<BenchStore>("undo-window-" + std::to_string(undo_versions),
                                                FormatOptions{.capacity_bytes = 1ull << 30});
    window.engine = window.store->Open(WithUndo(undo_versions));
    Fill(*window.engine, 0, kKeys, 100);
    Advance(*window.engine, kFilledVersions);
    window.seed = window.engine->version().value();
  }
  for (int round = 0; round < kUndoRuns + 2; ++round) {
    for (WindowCase& window : windows) {
      const CommitCost cost = MeasureCommits(*window.engine, &window.seed, kCommits, kKeysAVersion);
      window.commit_wall_us.push_back(cost.wall);
      window.commit_cpu_us.push_back(cost.thread_cpu);
    }
  }
  for (WindowCase& window : windows) {
    const double close_seconds = CloseAndOpen(window);
    Overwrite(*window.engine, window.seed, 1);
    const uint64_t bytes = IndexBytes(*window.engine);
    Advance(*window.engine, kReplayedVersions);
    const double near_ms = RollbackMs(*window.engine, kUndoneVersions);
    const double far_ms = RollbackMs(*window.engine, 100);
    std::printf("| %lu | %.0f | %.0f | %.0f | %.0f | %.0f | %lu |\n", window.undo_versions, near_ms, far_ms,
                Median(window.commit_wall_us), Median(window.commit_cpu_us), close_seconds * 1e3, bytes);
    std::fflush(stdout);
    CheckOk(window.engine->Close(), "close");
  }
}

}  // namespace rawkv::bench
