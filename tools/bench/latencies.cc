#include "tools/bench/latencies.h"

#include <algorithm>
#include <bit>

namespace rawkv::bench {
namespace {

constexpr uint64_t kParts = 64;  // buckets for each power of two
constexpr uint64_t kPartBits = 6;

// Times below kParts have a bucket each. Above, the highest bit selects the group, and the next six bits the
// bucket.
size_t BucketOf(uint64_t ns) {
  if (ns < kParts) return ns;
  const uint64_t shift = static_cast<uint64_t>(std::bit_width(ns)) - 1 - kPartBits;
  return (shift + 1) * kParts + (ns >> shift) - kParts;
}

uint64_t EndOf(size_t bucket) {
  if (bucket < kParts) return bucket;
  const uint64_t shift = bucket / kParts - 1;
  return ((bucket % kParts + kParts + 1) << shift) - 1;
}

}  // namespace

void Latencies::Add(int64_t nanoseconds) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(0, nanoseconds));
  const size_t bucket = BucketOf(ns);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, ns);
}

void Latencies::Merge(const Latencies& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double Latencies::Microseconds(double part) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(part * static_cast<double>(count_ - 1)) + 1;
  uint64_t seen = 0;
  size_t bucket = 0;
  while ((seen += buckets_[bucket]) < rank) ++bucket;
  return static_cast<double>(std::min(EndOf(bucket), max_)) / 1e3;
}

}  // namespace rawkv::bench
