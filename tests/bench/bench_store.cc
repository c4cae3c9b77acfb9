#include "tests/bench/bench_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/fs_ops.h"

namespace rawkv::bench {

void CheckOk(const Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "rawkv_measure: %s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

BenchStore::BenchStore(const std::string& name, const FormatOptions& format) {
  const char* base = std::getenv("RAWKV_BENCH_DIR");
  dir_ = JoinPath(base != nullptr ? base : "/tmp", "rawkv-bench-" + name + "-" + std::to_string(getpid()));
  CheckOk(RemoveTree(PosixFs(), dir_), "clean");
  CheckOk(Engine::Format(dir_, format).status(), "format");
}

BenchStore::~BenchStore() {
  (void)RemoveTree(PosixFs(), dir_);
}

std::unique_ptr<Engine> BenchStore::Open(const OpenOptions& options) const {
  return CheckOk(Engine::Open(dir_, options), "open");
}

void Fill(Engine& engine, uint64_t first, uint64_t count, uint64_t value_bytes) {
  constexpr uint64_t kBatch = 5000;
  for (uint64_t done = 0; done < count; done += kBatch) {
    WriteBatch batch;
    for (uint64_t i = done; i < std::min(count, done + kBatch); ++i) {
      const std::string key = "k" + std::to_string(first + i);
      batch.Put(key, std::string(value_bytes, static_cast<char>('a' + i % 26)));
    }
    CheckOk(engine.Commit(batch).status, "fill");
  }
}

void RunSelfUntilKilled(const char* mode, const std::string& dir) {
  const pid_t child = fork();
  if (child == 0) {
    // Starts a new program: a forked process lacks the threads of the parent's RocksDB.
    execl("/proc/self/exe", "rawkv_measure", mode, dir.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    std::fprintf(stderr, "rawkv_measure: the child was not killed by SIGKILL\n");
    std::exit(1);
  }
}

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Percentiles PercentilesOf(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double q) {
    return samples[static_cast<size_t>(q * static_cast<double>(samples.size() - 1))];
  };
  return {at(0.5), at(0.99), samples.back(), samples.size()};
}

double Median(std::vector<double> samples) {
  return PercentilesOf(std::move(samples)).p50;
}

}  // namespace rawkv::bench
