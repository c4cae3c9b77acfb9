// The order of eviction, compared with an independent simulator of each policy, on a trace of Zipf reads and
// scans.

#include "engine/cache_table/eviction_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "tests/support/split_mix.h"

namespace rawkv {
namespace {

// A cache of `capacity` objects, as simply as its policy can be written.
class Simulator {
 public:
  Simulator(EvictionKind kind, size_t capacity) : kind_(kind), capacity_(capacity) {}
  // Whether the object was there. Otherwise it is now.
  bool Use(uint32_t id) {
    for (auto it = queue_.begin(); it != queue_.end(); ++it) {
      if (it->id != id) continue;
      if (kind_ == EvictionKind::kSieve) {
        it->used = true;
      } else {
        queue_.splice(queue_.begin(), queue_, it);
      }
      return true;
    }
    if (queue_.size() == capacity_) Evict();
    queue_.push_front({id, false});
    return false;
  }

 private:
  struct Item {
    uint32_t id;
    bool used;
  };
  void Evict() {
    if (kind_ == EvictionKind::kLru) return queue_.pop_back();
    // The paper's hand: towards the front, from the back again once it has passed the front.
    auto it = has_hand_ ? hand_ : std::prev(queue_.end());
    while (it->used) {
      it->used = false;
      it = it == queue_.begin() ? std::prev(queue_.end()) : std::prev(it);
    }
    has_hand_ = it != queue_.begin();
    if (has_hand_) hand_ = std::prev(it);
    queue_.erase(it);
  }

  const EvictionKind kind_;
  const size_t capacity_;
  std::list<Item> queue_;  // the newest first
  std::list<Item>::iterator hand_;
  bool has_hand_ = false;
};

// The same cache on the policy.
class PolicyCache {
 public:
  PolicyCache(EvictionKind kind, size_t capacity) : policy_(kind), capacity_(capacity) {}
  bool Use(uint32_t id) {
    if (there_.contains(id)) {
      policy_.Touch(id);
      return true;
    }
    if (there_.size() == capacity_) {
      policy_.Evict([](uint32_t) { return true; },
                    [&](uint32_t victim) {
                      there_.erase(victim);
                      return false;
                    });
    }
    policy_.Insert(id);
    there_.insert(id);
    return false;
  }
  EvictionPolicy& policy() { return policy_; }

 private:
  EvictionPolicy policy_;
  const size_t capacity_;
  std::set<uint32_t> there_;
};

// Reads of `objects` objects by Zipf's law with exponent 1, and with scans of objects that are read once.
std::vector<uint32_t> MakeTrace(size_t length, uint32_t objects, bool scans) {
  std::vector<double> sums;
  double sum = 0;
  for (uint32_t i = 1; i <= objects; ++i) sums.push_back(sum += 1.0 / i);
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> part(0, sum);
  std::vector<uint32_t> trace;
  uint32_t once = objects;
  while (trace.size() < length) {
    for (int i = 0; i < 500; ++i) {
      trace.push_back(
          static_cast<uint32_t>(std::lower_bound(sums.begin(), sums.end(), part(random)) - sums.begin()));
    }
    for (int i = 0; scans && i < 500; ++i) trace.push_back(once++);
  }
  return trace;
}

double HitRatio(EvictionKind kind, const std::vector<uint32_t>& trace, size_t capacity) {
  Simulator expected(kind, capacity);
  PolicyCache cache(kind, capacity);
  size_t hits = 0;
  for (size_t i = 0; i < trace.size(); ++i) {
    const bool hit = cache.Use(trace[i]);
    EXPECT_EQ(hit, expected.Use(trace[i])) << "use " << i << " of object " << trace[i];
    if (testing::Test::HasFailure()) break;
    hits += hit ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

TEST(EvictionPolicyTest, HitsAreThoseOfTheSimulator) {
  const std::vector<uint32_t> zipf = MakeTrace(30'000, 2000, /*scans=*/false);
  const std::vector<uint32_t> scans = MakeTrace(30'000, 2000, /*scans=*/true);
  const double lru = HitRatio(EvictionKind::kLru, zipf, 200);
  const double sieve = HitRatio(EvictionKind::kSieve, zipf, 200);
  const double lru_scans = HitRatio(EvictionKind::kLru, scans, 200);
  const double sieve_scans = HitRatio(EvictionKind::kSieve, scans, 200);
  std::printf("Zipf: LRU %.3f, SIEVE %.3f; with scans: LRU %.3f, SIEVE %.3f\n", lru, sieve, lru_scans,
              sieve_scans);
  EXPECT_GT(sieve, lru);
  EXPECT_GT(sieve_scans, lru_scans * 1.1) << "SIEVE must withstand a scan";
}

TEST(EvictionPolicyTest, PassesOverWhatMayNotGo) {
  for (const EvictionKind kind : {EvictionKind::kLru, EvictionKind::kSieve}) {
    EvictionPolicy policy(kind);
    for (uint32_t id = 0; id < 10; ++id) policy.Insert(id);
    for (uint32_t id = 0; id < 5; ++id) policy.Touch(id);
    std::set<uint32_t> gone;
    policy.Evict([](uint32_t id) { return id % 2 == 0; },
                 [&](uint32_t id) {
                   gone.insert(id);
                   return true;
                 });
    EXPECT_EQ(gone, (std::set<uint32_t>{0, 2, 4, 6, 8}));
    EXPECT_EQ(policy.size(), 5u);
    std::vector<uint32_t> rest;
    policy.Evict([](uint32_t) { return true; },
                 [&](uint32_t id) {
                   rest.push_back(id);
                   return true;
                 });
    EXPECT_EQ(rest.size(), 5u);
    EXPECT_TRUE(kind == EvictionKind::kSieve || rest == (std::vector<uint32_t>{5, 7, 9, 1, 3}));
    EXPECT_EQ(policy.size(), 0u);
  }
}

// A policy that was restored from the places of another one evicts the same objects.
TEST(EvictionPolicyTest, RestoredPolicyEvictsInTheSameOrder) {
  for (const EvictionKind kind : {EvictionKind::kLru, EvictionKind::kSieve}) {
    const std::vector<uint32_t> trace = MakeTrace(5'000, 500, /*scans=*/true);
    PolicyCache cache(kind, 100);
    for (const uint32_t id : trace) cache.Use(id);
    EvictionPolicy restored(kind);
    cache.policy().ForEach([&](const EvictionPolicy::Place& place) { restored.Restore(place); });
    std::vector<uint32_t> expected, actual;
    const auto evict_all = [](EvictionPolicy& policy, std::vector<uint32_t>& order) {
      policy.Evict([](uint32_t) { return true; },
                   [&](uint32_t id) {
                     order.push_back(id);
                     return true;
                   });
    };
    evict_all(cache.policy(), expected);
    evict_all(restored, actual);
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(actual.size(), 100u);
  }
}

}  // namespace
}  // namespace rawkv
