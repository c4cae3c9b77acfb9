#include "tests/support/sim/crash_plan.h"

#include <algorithm>

namespace rawkv {
namespace {

class PlanChooser final : public CrashChooser {
 public:
  PlanChooser(const CrashStates& states, const CrashPlan& plan)
      : plan_(plan), content_(states.PendingContent()), entries_(states.PendingEntries()), rng_(plan.seed) {
    // A random place in the sequence of unsynced changes.
    std::vector<size_t> all = content_;
    all.insert(all.end(), entries_.begin(), entries_.end());
    std::sort(all.begin(), all.end());
    cut_ = all.empty() ? 0 : all[rng_() % all.size()];
  }

  uint64_t block_bytes() const override { return plan_.block_bytes; }
  size_t Block(Medium medium, uint64_t block, const std::vector<size_t>& changes) override {
    return Prefix(medium == Medium::kFile ? plan_.files : plan_.devices, changes, block);
  }
  size_t Size(const std::vector<size_t>& changes) override { return Prefix(plan_.files, changes, 0); }
  bool Entry(size_t change) override {
    switch (plan_.entries) {
      case Fate::kLost:
        return false;
      case Fate::kKept:
        return true;
      case Fate::kRandom:
        return rng_() % 2 == 0;
      case Fate::kInOrder:
        return change <= cut_;
      case Fate::kNewestOnly:
        return change == entries_.back();
      case Fate::kOldestLost:
        return change != entries_.front();
      case Fate::kLastTorn:
        return true;
    }
    return false;
  }

 private:
  size_t Prefix(Fate fate, const std::vector<size_t>& changes, uint64_t block) {
    const auto before = [&](auto arrived) {
      return static_cast<size_t>(std::find_if_not(changes.begin(), changes.end(), arrived) - changes.begin());
    };
    switch (fate) {
      case Fate::kLost:
        return 0;
      case Fate::kKept:
        return changes.size();
      case Fate::kRandom:
        return rng_() % (changes.size() + 1);
      case Fate::kInOrder:
        return before([&](size_t c) { return c <= cut_; });
      case Fate::kNewestOnly:
        return changes.back() == content_.back() ? changes.size() : 0;
      case Fate::kOldestLost:
        return before([&](size_t c) { return c != content_.front(); });
      case Fate::kLastTorn: {
        const bool arrived = (plan_.seed >> (block % 64)) % 2 == 0;
        return arrived ? changes.size() : before([&](size_t c) { return c != content_.back(); });
      }
    }
    return 0;
  }

  const CrashPlan plan_;
  const std::vector<size_t> content_, entries_;
  std::mt19937_64 rng_;
  size_t cut_ = 0;
};

}  // namespace

const char* FateName(Fate fate) {
  switch (fate) {
    case Fate::kLost:
      return "lost";
    case Fate::kKept:
      return "kept";
    case Fate::kRandom:
      return "random";
    case Fate::kInOrder:
      return "in order";
    case Fate::kNewestOnly:
      return "newest only";
    case Fate::kOldestLost:
      return "oldest lost";
    case Fate::kLastTorn:
      return "last torn";
  }
  return "?";
}

std::string Describe(const CrashPlan& plan) {
  return std::string("files ") + FateName(plan.files) + ", devices " + FateName(plan.devices) + ", entries " +
         FateName(plan.entries) + ", blocks of " + std::to_string(plan.block_bytes) + ", seed " +
         std::to_string(plan.seed);
}

std::vector<CrashPlan> CrashPlans(uint64_t seed, size_t random) {
  using enum Fate;
  std::vector<CrashPlan> plans{
      {kLost, kLost, kLost, 512, seed},
      {kKept, kKept, kKept, 512, seed},
      {kLost, kLost, kKept, 512, seed},  // names without what they name
      {kKept, kKept, kLost, 512, seed},  // and the reverse
      {kKept, kLost, kKept, 512, seed},
      {kLost, kKept, kKept, 512, seed},
      {kLastTorn, kLastTorn, kKept, 512, seed},
      {kLastTorn, kLastTorn, kKept, 4096, seed},
      {kNewestOnly, kNewestOnly, kNewestOnly, 4096, seed},
      {kOldestLost, kOldestLost, kOldestLost, 512, seed},
  };
  std::mt19937_64 rng(seed);
  for (size_t i = 0; i < random; ++i) {
    CrashPlan plan{kRandom, kRandom, kRandom, rng() % 2 == 0 ? 512u : 4096u, rng()};
    if (rng() % 3 == 0) plan.entries = kInOrder;
    if (rng() % 4 == 0) plan.files = plan.devices = kInOrder;
    plans.push_back(plan);
  }
  return plans;
}

DiskImage Crash(const CrashStates& states, const CrashPlan& plan) {
  PlanChooser chooser(states, plan);
  return states.Build(chooser);
}

}  // namespace rawkv
