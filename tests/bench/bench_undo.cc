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

// Wall-clock time, and processor time of all threads, of one commit in microseconds.
struct CommitCost {
  double wall = 0, cpu = 0;
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CommitCost MeasureCommits(Engine& engine, uint64_t* seed, uint64_t commits, uint64_t keys) {
  const double cpu = CpuSeconds();
  const double wall = SecondsOf([&] {
    for (uint64_t i = 0; i < commits; ++i) Overwrite(engine, (*seed)++, keys);
  });
  const double each = 1e6 / static_cast<double>(commits);
  return {wall * each, (CpuSeconds() - cpu) * each};
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
      "| keys a commit | us without | us with | median ratio of %d pairs | CPU us without | CPU us with |\n"
      "| --- | --- | --- | --- | --- | --- |\n",
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
    std::vector<double> off_us, on_us, off_cpu, on_cpu, ratios;
    MeasureCommits(*without, &without_seed, commits / 4, keys);
    MeasureCommits(*with, &with_seed, commits / 4, keys);
    for (int i = 0; i < kUndoRuns + 2; ++i) {
      CommitCost on, off;
      if (i % 2 == 0) on = MeasureCommits(*with, &with_seed, commits, keys);
      off = MeasureCommits(*without, &without_seed, commits, keys);
      if (i % 2 != 0) on = MeasureCommits(*with, &with_seed, commits, keys);
      off_us.push_back(off.wall);
      on_us.push_back(on.wall);
      off_cpu.push_back(off.cpu);
      on_cpu.push_back(on.cpu);
      ratios.push_back(on.wall / off.wall);
    }
    std::printf("| %lu | %.0f | %.0f | %.3f | %.0f | %.0f |\n", keys, Median(off_us), Median(on_us),
                Median(ratios), Median(off_cpu), Median(on_cpu));
    std::fflush(stdout);
  }
}

}  // namespace rawkv::bench
