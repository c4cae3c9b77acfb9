#pragma once

#include <memory>
#include <random>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "tools/quickstart_history.h"
#include "tools/quickstart_options.h"
#include "tools/quickstart_replay.h"
#include "tools/quickstart_report.h"
#include "tools/quickstart_work_dir.h"

namespace rawkv::quickstart {

// The whole run, stage by stage; each stage prints its part of the report when it has passed.
//
//   load history → format store → replay, killed and back (its own processes) → open →
//   read old versions → roll back to one → commit the rest again → close, reopen, check
//
// Any difference from the judge ends the run with kCorruption.
class Story {
 public:
  Story(const Options& options, uint64_t seed) : options_(options), seed_(seed), random_(seed) {}
  Status Tell();

 private:
  Status LoadHistory();
  Status MakeStore();
  Status Replay();
  Status ReadOldVersions();
  Status CheckMetadata(uint64_t number);
  Status ReadVersion(uint64_t number, Comparison* into);
  // An old version that is gone must be refused, not made up. Returns which was tried; 0 = none is gone.
  Result<uint64_t> TryForgottenVersion(const std::vector<uint64_t>& reachable);
  Status RollBack();
  Status CommitAgain(Report::RolledBack* into);
  Status Check();
  Status Compare(uint64_t number, Comparison* into);
  Result<std::vector<uint64_t>> ReachableVersions();
  std::vector<uint64_t> Choose(const std::vector<uint64_t>& reachable);

  const Options& options_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  StageProgress progress_;
  Report report_{progress_};
  std::unique_ptr<History> history_;
  std::unique_ptr<WorkDir> work_;
  ReplayPlan plan_;
  std::unique_ptr<Engine> engine_;
  Comparison tip_;  // the last comparison of the newest version
  Comparison all_;
};

}  // namespace rawkv::quickstart
