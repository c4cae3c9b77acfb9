#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/crash/sim_judge.h"
#include "tests/support/sim/crash_plan.h"

namespace rawkv {

struct ExploreOptions {
  SimConfig config;
  uint64_t seed = 1;
  size_t random_plans = 4;  // ways for the power to go at each place, besides the extremes
  // One judged state of so many also has its recovery and what follows crashed (0: none), with so many
  // crashes each.
  uint64_t nest_one_in = 50;
  size_t nested_crashes = 6;
  // Of the distinct states, this share (of 1000) is judged; the same ones for the same seed.
  uint64_t per_mille = 1000;
  uint64_t max_states = UINT64_MAX;
  size_t max_violations = 10;
  // What makes the machine's disks lie, for showing that the lie is found.
  SimDisk::Omit omit;
};

struct Violation {
  std::string what;     // the judge's words
  std::string history;  // operations, place, plan: enough to see it again
  std::string said;     // by the engine
  std::string image;    // what the crash left
};

struct ExploreCounts {
  uint64_t histories = 0;
  uint64_t places = 0;    // of I/O at which the power went
  uint64_t built = 0;     // crash images
  uint64_t distinct = 0;  // by hash of the image
  uint64_t judged = 0;    // distinct images judged, nested ones included
  uint64_t verdicts = 0;  // an image is judged once for each thing promised of it
  uint64_t nested = 0;
};

// Runs histories in the simulated world, cuts the power at every I/O in every way, and judges what is
// left. Equal options give the same histories and crashes. Not thread-safe.
class SimExplorer {
 public:
  explicit SimExplorer(const ExploreOptions& options);

  // Runs `ops` on a furnished store and crashes within the last of them (within all with `everywhere`; the
  // open belongs to the first).
  void Explore(const std::vector<SimOp>& ops, bool everywhere = false);
  // Kills the process at every I/O of the last operation, opens the store again as it lies in the caches,
  // commits once more, and cuts the power in that: what a restart adopted must stay.
  void ExploreKills(const std::vector<SimOp>& ops);
  // A long history, from a seed of its own, with the power cut at about `crashes` places.
  void ExploreRandom(uint64_t seed, size_t length, size_t crashes);
  bool Done() const {
    return counts_.judged >= options_.max_states || violations_.size() >= options_.max_violations;
  }

  const ExploreCounts& counts() const { return counts_; }
  const std::vector<Violation>& violations() const { return violations_; }
  const std::unordered_set<uint64_t>& images() const { return images_; }

 private:
  struct Run {
    std::string name;
    DiskImage start;
    Trace trace;
    Promise first;                  // in force when the trace begins
    std::vector<Promise> promises;  // by mark
    size_t from_mark = 0;           // crashes begin behind this mark; 0 with `from_start`: at the start
    bool from_start = false;
    int depth = 0;
  };
  // Runs `ops` from the furnished store. False, and a violation noted, if they fail.
  bool RunHistory(const std::vector<SimOp>& ops, uint64_t seed, Run* run);
  // The same, killed after `changes` changes in the last one. False if it was over before.
  bool RunKilled(const std::vector<SimOp>& ops, uint64_t changes, const std::vector<Promise>& promises,
                 Run* run);
  void CrashEverywhere(const Run& run, size_t random_plans, uint64_t sample, uint64_t of);
  void JudgeState(const Run& run, const DiskImage& image, size_t marks, const std::string& how);

  const ExploreOptions options_;
  DiskImage furnished_;
  Promise promise_;
  ExploreCounts counts_;
  std::vector<Violation> violations_;
  std::unordered_set<uint64_t> images_;  // seen
  std::unordered_set<uint64_t> judged_;  // with what was promised of them
};

// Every sequence of `length` operations, in a fixed order: number `n` of kSimOps^length.
std::vector<SimOp> SequenceOf(size_t length, uint64_t n);
std::string NameOf(const std::vector<SimOp>& ops);
std::string Report(const ExploreCounts& counts, double seconds, uint64_t seed);

}  // namespace rawkv
