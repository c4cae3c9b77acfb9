#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/faults/fault_plane.h"
#include "tests/support/sim/sim_world.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// Sees the syncs that failed, so that what they were to make durable can be counted as lost for good: a
// kernel marks pages clean after a failed write-back, and a second sync finds nothing to do.
class FailedSyncs {
 public:
  explicit FailedSyncs(SimDisk& disk) : disk_(disk) {}
  void Note(const std::string& path) RAWKV_EXCLUDES(mu_);
  // The disk's trace without the changes that those syncs lost.
  Trace WithoutLost(const Trace& trace) const RAWKV_EXCLUDES(mu_);

 private:
  static constexpr uint64_t kMarks = uint64_t{1} << 40;  // above every mark of a workload

  SimDisk& disk_;
  mutable Mutex mu_;
  std::vector<std::string> paths_ RAWKV_GUARDED_BY(mu_);
};

std::shared_ptr<rocksdb::FileSystem> MakeFaultIndexFs(std::shared_ptr<rocksdb::FileSystem> base,
                                                      FaultPlane& plane, FailedSyncs& syncs);
std::unique_ptr<Fs> MakeFaultSimFs(Fs& base, FaultPlane& plane, FailedSyncs& syncs);
Result<OpenedDevice> OpenFaultDevice(OpenedDevice base, FaultPlane& plane, FailedSyncs& syncs);

// A simulated machine whose every operation, at each of its three seams, passes a fault plane first.
class FaultWorld {
 public:
  FaultWorld(DiskImage image, uint64_t seed, std::vector<PlannedFault> faults);

  SimDisk& disk() { return world_.disk(); }
  FaultPlane& plane() { return plane_; }
  const Environment& env() const { return env_; }
  std::string Said() const { return world_.Said(); }
  // What is durable and what is at risk now, for power cuts to choose from; content whose sync failed is
  // neither, it is gone. `start`: what was recorded from. Ends the record.
  class CrashStates AtPowerCut(const DiskImage& start);

 private:
  SimWorld world_;
  FaultPlane plane_;
  FailedSyncs syncs_;
  std::unique_ptr<Fs> fs_;
  Environment env_;
};

}  // namespace rawkv
