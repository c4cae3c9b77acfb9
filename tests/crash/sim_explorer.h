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
  size_t random_plans = 4;  // random power cuts at each place, in addition to the extremes
  // One judged state in `nest_one_in` (0: none) also gets power cuts in its recovery and later steps,
  // `nested_crashes` of them.
  uint64_t nest_one_in = 50;
  size_t nested_crashes = 6;
  // The share of the distinct states that is judged, in 1/1000. Equal seeds choose the same states.
  uint64_t per_mille = 1000;
  // Cuts the power at one place in `place_one_in` of the last operation, to save building images that are not
  // judged.
  uint64_t place_one_in = 1;
  uint64_t max_states = UINT64_MAX;
  size_t max_violations = 10;
  // Syncs that the disks omit, to show that the exploration detects a missing sync.
  SimDisk::Omit omit;
};

struct Violation {
  std::string what;     // the problem that the judge found
  std::string history;  // operations, place and plan: enough to reproduce it
  std::string log;      // of the engine
  std::string image;    // the disks after the crash
};

struct ExploreCounts {
  uint64_t histories = 0;
  uint64_t places = 0;    // I/Os at which the power was cut
  uint64_t built = 0;     // crash images
  uint64_t distinct = 0;  // by hash of the image
  uint64_t judged = 0;    // distinct images judged, nested ones included
  uint64_t verdicts = 0;  // an image is judged once for each thing promised of it
  uint64_t nested = 0;
};

// Runs histories in the simulated world, cuts the power at every I/O in every way, and judges the crash
// states. Equal options give equal histories and crashes. Not thread-safe.
class SimExplorer {
 public:
  explicit SimExplorer(const ExploreOptions& options);

  // Runs `ops` on the start store and cuts the power within the last operation, or within all with
  // `everywhere`. The open belongs to the first operation.
  void Explore(const std::vector<SimOp>& ops, bool everywhere = false);
  // Kills the process at every I/O of the last operation, reopens the store from the kernel's caches, commits
  // once more, and cuts the power there. The adopted records must stay.
  void ExploreKills(const std::vector<SimOp>& ops);
  // Runs a random history of `length` operations and cuts the power at about `crashes` places.
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
    size_t from_mark = 0;           // crashes begin after this mark; with `from_start` at the start
    bool from_start = false;
    int depth = 0;
  };
  // Runs `ops` on the start store. Returns false and records a violation if they fail.
  bool RunHistory(const std::vector<SimOp>& ops, uint64_t seed, Run* run);
  // The same, but kills the process after `changes` changes in the last operation. Returns false if the
  // operation ended before.
  bool RunKilled(const std::vector<SimOp>& ops, uint64_t changes, const std::vector<Promise>& promises,
                 Run* run);
  void CrashEverywhere(const Run& run, size_t random_plans, uint64_t sample, uint64_t of);
  void JudgeState(const Run& run, const DiskImage& image, size_t marks, const std::string& how);

  const ExploreOptions options_;
  DiskImage start_;
  Promise promise_;
  ExploreCounts counts_;
  std::vector<Violation> violations_;
  std::unordered_set<uint64_t> images_;  // hashes of all images
  std::unordered_set<uint64_t> judged_;  // hashes of image and promise
};

// Sequence number `n` of the kSimOps^length sequences of `length` operations.
std::vector<SimOp> SequenceOf(size_t length, uint64_t n);
std::string NameOf(const std::vector<SimOp>& ops);
std::string Report(const ExploreCounts& counts, double seconds, uint64_t seed);

}  // namespace rawkv
