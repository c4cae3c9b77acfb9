#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/logger.h"
#include "tests/stress/resources.h"
#include "tests/stress/worker.h"
#include "tests/stress/world.h"
#include "tests/support/loop_device.h"

namespace rawkv::stress {

// The run as a whole: makes the store, starts the workers, stops them between two operations to close, check
// and reopen the store, and watches what the process uses.
class Coordinator {
 public:
  Coordinator(World& world, Logger& logger);
  ~Coordinator();
  void Run();

 private:
  using Clock = std::chrono::steady_clock;

  bool MakeStore();
  void ChooseDevice();
  bool OpenStore();
  void Progress();
  void Figures(const std::string& when);
  void ReportAtMinutes();

  // With all workers parked.
  void Reopen();
  void JudgeTip(const char* when);
  void ComparePlanWithRollback();
  void DropWhatIsKept();
  void CloseStore();
  void CheckClosedStore();
  void ReopenReadOnly();
  void JudgeOldVersions();
  void JudgeResources(bool nothing_kept);

  uint64_t SecondsSince(Clock::time_point time) const;

  World& world_;
  Logger& logger_;
  Worker own_;  // for commits of the coordinator's own
  Rng rng_;
  std::optional<LoopDevice> loop_;
  std::vector<std::thread> threads_;
  const Clock::time_point begun_ = Clock::now();
  uint64_t reopens_ = 0;
  size_t minutes_reported_ = 0;
  // What was used with the store closed, at most, in the first reopens; later ones are compared with that.
  struct Baseline {
    uint64_t samples = 0;
    Resources most;
  };
  Baseline closed_, nothing_kept_;
};

}  // namespace rawkv::stress
