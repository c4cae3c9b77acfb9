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

// Drives a run: makes the store and starts the workers. From time to time stops all workers between two
// operations to close, check and reopen the store. Watches the resources of the process.
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
  void PrintProgress();
  void PrintResources(const std::string& when);
  void PrintResourcesAtMinutes();

  // Closes, checks and reopens the store while all workers are parked.
  void Reopen();
  void JudgeTip(const char* when);
  void ComparePlanWithRollback();
  void UnpinAndPruneAll();
  void CloseStore();
  void CheckClosedStore();
  void ReopenReadOnly();
  void JudgeOldVersions();
  void JudgeResources(bool nothing_kept);

  uint64_t SecondsSince(Clock::time_point time) const;

  World& world_;
  Logger& logger_;
  Worker own_;  // makes the coordinator's commits
  Rng rng_;
  std::optional<LoopDevice> loop_;
  std::vector<std::thread> threads_;
  const Clock::time_point begun_ = Clock::now();
  uint64_t reopens_ = 0;
  size_t minutes_reported_ = 0;
  // The highest use with the store closed in the first reopens. Later reopens are compared with it.
  struct Baseline {
    uint64_t samples = 0;
    Resources most;
  };
  Baseline closed_, nothing_kept_;
};

}  // namespace rawkv::stress
