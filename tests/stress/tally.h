#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv::stress {

// Counts the answers of each operation by status. Thread-safe.
class Tally {
 public:
  void Count(const std::string& operation, StatusCode code = StatusCode::kOk);
  // "commit 120 (failed_precondition 3, no_space 1), get 990, …"
  std::string Describe() const;
  uint64_t total() const;

 private:
  mutable Mutex mu_;
  std::map<std::string, std::map<StatusCode, uint64_t>> counts_ RAWKV_GUARDED_BY(mu_);
  uint64_t total_ RAWKV_GUARDED_BY(mu_) = 0;
};

// Counts and prints violations of the engine's contract. Thread-safe.
class Violations {
 public:
  explicit Violations(uint64_t max, std::string run) : max_(max), run_(std::move(run)) {}

  void Add(const std::string& what);
  uint64_t count() const { return count_.load(); }
  bool Enough() const { return count_.load() >= max_; }

 private:
  const uint64_t max_;
  const std::string run_;  // how to repeat the run
  std::atomic<uint64_t> count_{0};
  Mutex mu_;  // serializes the printing
};

}  // namespace rawkv::stress
