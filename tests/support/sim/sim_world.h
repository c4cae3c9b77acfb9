#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "engine/api/options.h"
#include "tests/support/recording_logger.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_fs.h"
#include "tests/support/sim/sim_index_fs.h"

namespace rawkv {

// A machine for an engine: disks, a clock that advances at each reading, identities from a seed, and the
// engine's log. Outlives every engine that was opened in it.
class SimWorld {
 public:
  SimWorld(DiskImage image, uint64_t seed, OptionsFiles options_files = OptionsFiles::kWritten);

  SimDisk& disk() { return disk_; }
  // The filesystem and environment of the running process.
  Fs& fs() { return *processes_.back()->fs; }
  const Environment& env() const { return processes_.back()->env; }
  // Ends the running process at once and starts another. The engine of the dead process can still be
  // destroyed, but changes nothing any more. Its writes are there for the next process, in caches if they
  // were not synced.
  void Restart();
  std::string LogText() const { return logger_.text(); }

 private:
  class TickingClock final : public Clock {
   public:
    uint64_t NowUnixMs() override { return 1'700'000'000'000 + ticks_.fetch_add(1); }
    uint64_t MonotonicNs() override { return ticks_.fetch_add(1) * 1'000'000; }

   private:
    std::atomic<uint64_t> ticks_{0};
  };
  class SeededEntropy final : public Entropy {
   public:
    explicit SeededEntropy(uint64_t seed) : state_(seed) {}
    uint64_t NextU64() override;

   private:
    std::atomic<uint64_t> state_;
  };

  struct Process {
    std::unique_ptr<SimFs> fs;
    Environment env;
  };

  const OptionsFiles options_files_;
  SimDisk disk_;
  TickingClock clock_;
  SeededEntropy entropy_;
  RecordingLogger logger_;
  std::vector<std::unique_ptr<Process>> processes_;  // engines of dead processes may still use theirs
};

}  // namespace rawkv
