#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "tools/bench/latencies.h"

namespace rawkv::bench {

using Clock = std::chrono::steady_clock;

// Operations of one thread, or of several threads together.
struct Tally {
  Latencies latencies;
  uint64_t operations = 0;
  uint64_t bytes = 0;  // of values

  void Add(Clock::duration spent, uint64_t value_bytes) {
    latencies.Add(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
    ++operations;
    bytes += value_bytes;
  }
  void Merge(const Tally& other) {
    latencies.Merge(other.latencies);
    operations += other.operations;
    bytes += other.bytes;
  }
};

// The reads of one sample. Thread-safe.
class ReadWork {
 public:
  // Reads the numbered keys in their order, again and again if `repeat`, until `end`.
  struct Plan {
    std::vector<uint64_t> keys;
    bool repeat = false;
    Clock::time_point end;
    uint64_t value_bytes = 0;
  };
  explicit ReadWork(Plan plan) : plan_(std::move(plan)) {}

  // The number of the next key; absent at the end. The first read always takes place.
  std::optional<uint64_t> Next();
  // kCorruption unless the value is that of the key.
  Status Check(uint64_t number, ConstBytes value) const;
  uint64_t value_bytes() const { return plan_.value_bytes; }

 private:
  const Plan plan_;
  std::atomic<uint64_t> taken_{0};
};

// Runs `work(thread)` on `threads` threads, and returns the first error.
Status RunOnThreads(uint64_t threads, const std::function<Status(uint64_t thread)>& work);

}  // namespace rawkv::bench
