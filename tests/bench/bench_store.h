#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace rawkv::bench {

// Ends the program with a message if `status` is an error: a measurement that includes an error is useless.
void CheckOk(const Status& status, const char* what);
template <typename T>
T CheckOk(Result<T> result, const char* what) {
  CheckOk(result.status(), what);
  return std::move(result).value();
}

// A store in a scratch directory below RAWKV_BENCH_DIR (default /tmp). The destructor removes it.
class BenchStore {
 public:
  BenchStore(const std::string& name, const FormatOptions& format);
  ~BenchStore();
  const std::string& dir() const { return dir_; }
  std::unique_ptr<Engine> Open(const OpenOptions& options = {}) const;

 private:
  std::string dir_;
};

// Commits `count` keys "k<number>" in batches, beginning with number `first`.
void Fill(Engine& engine, uint64_t first, uint64_t count, uint64_t value_bytes);

// Starts this program as `rawkv_bench MODE DIR`, and requires that it ends by SIGKILL.
void RunSelfUntilKilled(const char* mode, const std::string& dir);
// Mode --commit-tail: makes 500 commits to the store, then kills the process.
void CommitTail(const std::string& dir);

// Mode --look: info, get, stats and scan, again and again with a pause between the rounds.
void LookUntilKilled(const std::string& dir, int pause_ms);

// Mode --cache-tail: fills a cache, or adds some objects to it, then kills the process.
void CacheTail(const std::string& dir);

double SecondsOf(const std::function<void()>& work);

struct Percentiles {
  double p50 = 0, p99 = 0, max = 0;
  size_t samples = 0;
};
Percentiles PercentilesOf(std::vector<double> samples);
double Median(std::vector<double> samples);

// The measurements. Each prints a Markdown table.
void BenchRollback();
void BenchOpen();
void BenchCommitValues();
void BenchRead();
void BenchScan();
void BenchReplay();
void BenchWaits();
void BenchAlongside();
void BenchUndo();
void BenchUndoCommit();
void BenchUndoWindow();
void BenchSession();
void BenchCheckpoint();
void BenchCacheOpen();
void BenchNvme();  // on the drive that RAWKV_TEST_NVME names

}  // namespace rawkv::bench
