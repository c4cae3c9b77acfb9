#pragma once

#include <cstdint>
#include <vector>

namespace rawkv::bench {

// Counts times in buckets that are at most 1/64 wider than the time they begin with. Not thread-safe.
class Latencies {
 public:
  void Add(int64_t nanoseconds);
  void Merge(const Latencies& other);
  // The upper end of the bucket with the given part of all times, in microseconds; 0 without a time.
  double Microseconds(double part) const;
  double MaxMicroseconds() const { return static_cast<double>(max_) / 1e3; }
  uint64_t count() const { return count_; }

 private:
  std::vector<uint32_t> buckets_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;  // nanoseconds
};

}  // namespace rawkv::bench
