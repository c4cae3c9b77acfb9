#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/quickstart_compare.h"
#include "tools/quickstart_progress.h"
#include "tools/quickstart_replay.h"

namespace rawkv::quickstart {

// One SIGKILL, and what the store was afterwards.
struct Survival {
  uint64_t begun = 0;         // the newest version handed to Commit
  uint64_t acknowledged = 0;  // the newest version whose Commit had returned
  uint64_t came_back = 0;     // the version that the store opened at
  uint64_t open_ns = 0;
  bool inside_commit() const { return begun > acknowledged; }
};

// kCorruption unless every acknowledged version is there, and none that was never begun.
Status RequireSurvived(const Survival& survival);

struct ReplayResult {
  uint64_t wall_ns = 0;    // with git's side, kills and comparisons
  uint64_t commit_ns = 0;  // inside Commit alone, of those acknowledged
  uint64_t commits = 0;    // acknowledged
  std::vector<Survival> kills;
  Comparison compared;  // the tips after the kills
};

// Replays the whole plan in a process of its own, which is killed in the middle of commits near a
// third and two thirds of the way, and once or twice more where the kill fell between two commits. After
// each kill another process opens the store, must find every acknowledged version and nothing that was
// never begun (else kCorruption), compares the tip with the history, and goes on. Forks: the caller
// must have no threads.
Result<ReplayResult> ReplayAndSurvive(const ReplayPlan& plan, std::mt19937_64& random,
                                      StageProgress& progress);

}  // namespace rawkv::quickstart
