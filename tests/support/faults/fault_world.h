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

// Records failed syncs and counts the changes that they should have made durable as lost: a kernel marks
// pages clean after a failed write-back, and a second sync writes nothing.
class FailedSyncs {
 public:
  explicit FailedSyncs(SimDisk& disk) : disk_(disk) {}
  void RecordFailure(const std::string& path) RAWKV_EXCLUDES(mu_);
  // The trace without the changes that the failed syncs lost.
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

// A simulated machine in which every operation, at each of its three seams, first passes a fault plane.
class FaultWorld {
 public:
  FaultWorld(DiskImage image, uint64_t seed, std::vector<PlannedFault> faults);

  SimDisk& disk() { return world_.disk(); }
  FaultPlane& plane() { return plane_; }
  const Environment& env() const { return env_; }
  std::string LogText() const { return world_.LogText(); }
  // The durable and the unsynced changes of now, from which power cuts choose. Content whose sync failed is
  // lost. `start` is the image at the begin of the record. Ends the record.
  class CrashStates AtPowerCut(const DiskImage& start);

 private:
  SimWorld world_;
  FaultPlane plane_;
  FailedSyncs syncs_;
  std::unique_ptr<Fs> fs_;
  Environment env_;
};

}  // namespace rawkv
