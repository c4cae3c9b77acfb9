#include <csignal>
#include <cstdio>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "engine/admin/inspect.h"
#include "tests/bench/bench_store.h"

namespace rawkv::bench {
namespace {

constexpr int kPairs = 9;
constexpr double kSecondsPerRound = 4;
constexpr uint64_t kLoadKeys = 2000;
constexpr uint64_t kVersionsPerSnapshot = 2000;

// Commits values of 4 KiB, synced, for the time of a round. Returns the times of the commits in ms.
std::vector<double> CommitForARound(Engine& engine, uint64_t* next) {
  std::vector<double> samples;
  for (double spent = 0; spent < kSecondsPerRound * 1e3;) {
    WriteBatch batch;
    const std::string value(4096, static_cast<char>('a' + *next % 26));
    batch.Put("k" + std::to_string((*next)++ % kLoadKeys), value);
    const double ms = SecondsOf([&] { CheckOk(engine.Commit(batch).status, "commit"); }) * 1e3;
    samples.push_back(ms);
    spent += ms;
  }
  return samples;
}

// A process that looks at the store until it is killed. It writes a byte to a pipe for each round of looks.
class Looker {
 public:
  Looker(const std::string& dir, const char* pause_ms) {
    int ends[2];
    if (::pipe(ends) != 0) CheckOk(Status::IoError("pipe"), "pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      if (::dup2(ends[1], STDOUT_FILENO) < 0) ::_exit(1);
      ::execl("/proc/self/exe", "rawkv_measure", "--look", dir.c_str(), pause_ms, nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    count_fd_ = ends[0];
  }
  // Kills the process and returns the number of its rounds.
  uint64_t Stop() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    if (!WIFSIGNALED(status)) CheckOk(Status::Internal("a look failed"), "looker");
    uint64_t rounds = 0;
    for (char bytes[256];;) {
      const ssize_t got = ::read(count_fd_, bytes, sizeof bytes);
      if (got <= 0) break;
      rounds += static_cast<uint64_t>(got);
    }
    ::close(count_fd_);
    return rounds;
  }

 private:
  pid_t pid_ = -1;
  int count_fd_ = -1;
};

void MeasureAgainst(const char* name, const char* pause_ms) {
  BenchStore store("alongside", {.capacity_bytes = 1ull << 30});
  OpenOptions options;
  options.settings.snapshot_interval = kVersionsPerSnapshot;
  options.env.logger = &NullLogger();
  const std::unique_ptr<Engine> engine = store.Open(options);
  Fill(*engine, 0, kLoadKeys, 4096);
  uint64_t next = 0;
  (void)CommitForARound(*engine, &next);
  std::vector<double> without, with, ratios;
  uint64_t looks = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    without.push_back(PercentilesOf(CommitForARound(*engine, &next)).p99);
    Looker looker(store.dir(), pause_ms);
    with.push_back(PercentilesOf(CommitForARound(*engine, &next)).p99);
    looks += looker.Stop();
    ratios.push_back(with.back() / without.back());
  }
  std::printf("| %s | %.1f | %.3f | %.3f | %.2f |\n", name,
              static_cast<double>(looks) / (kPairs * kSecondsPerRound), Median(without), Median(with),
              Median(ratios));
  std::fflush(stdout);
}

}  // namespace

void LookUntilKilled(const std::string& dir, int pause_ms) {
  OpenOptions options;
  options.env.logger = &NullLogger();
  options.read_only = true;
  for (;;) {
    const EngineInfo info = CheckOk(InspectStore(dir, options), "info");
    CheckOk(info.unopenable, "info");
    const std::unique_ptr<Engine> engine = CheckOk(Engine::Open(dir, options), "open");
    CheckOk(engine->Get("k7").status(), "get");
    CheckOk(engine->Info().status(), "stats");
    const std::unique_ptr<Iterator> scan = CheckOk(engine->NewIterator(), "scan");
    for (scan->SeekToFirst(); scan->Valid(); scan->Next()) {
    }
    CheckOk(scan->status(), "scan");
    if (::write(STDOUT_FILENO, ".", 1) != 1) ::_exit(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  }
}

void BenchAlongside() {
  std::printf(
      "| a process that runs info, get, stats and scan | rounds/s | writer's p99 alone, ms | with it, ms | "
      "median ratio |\n| --- | --- | --- | --- | --- |\n");
  MeasureAgainst("once a second", "1000");
  MeasureAgainst("ten times a second", "100");
  MeasureAgainst("without a pause", "0");
}

}  // namespace rawkv::bench
