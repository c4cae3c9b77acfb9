#include "tests/support/faults/fault_world.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tests/support/sim/crash_states.h"

namespace rawkv {
namespace {

using Kind = TraceEvent::Kind;

bool IsContent(const TraceEvent& e) {
  return e.kind == Kind::kWrite || e.kind == Kind::kZero || e.kind == Kind::kResize ||
         e.kind == Kind::kDeviceWrite || e.kind == Kind::kDeviceDiscard || e.kind == Kind::kDeviceResize;
}

bool IsContentSync(const TraceEvent& e) {
  return e.kind == Kind::kSyncFile || e.kind == Kind::kDeviceFlush;
}

// The file that `path` named last before `end`. Returns 0 for a device, and for a file that nothing changed.
InodeId InodeOf(const Trace& trace, size_t end, const std::string& path) {
  for (size_t i = end; i-- > 0;) {
    const TraceEvent& e = trace[i];
    if (e.path == path && (IsContent(e) || e.kind == Kind::kSyncFile || e.kind == Kind::kEnter))
      return e.inode;
  }
  return 0;
}

}  // namespace

void FailedSyncs::RecordFailure(const std::string& path) {
  MutexLock lock(mu_);
  disk_.Mark(kMarks + paths_.size());
  paths_.push_back(path);
}

Trace FailedSyncs::WithoutLost(const Trace& trace) const {
  MutexLock lock(mu_);
  std::set<size_t> lost;
  for (size_t place = 0; place < trace.size(); ++place) {
    if (trace[place].kind != Kind::kMark || trace[place].length < kMarks) continue;
    const std::string& path = paths_[trace[place].length - kMarks];
    const InodeId inode = InodeOf(trace, place, path);
    for (size_t i = place; i-- > 0;) {
      const TraceEvent& e = trace[i];
      const bool same = inode != 0 ? e.inode == inode : e.path == path;
      if (same && IsContentSync(e)) break;
      if (same && IsContent(e)) lost.insert(i);
    }
  }
  Trace kept;
  for (size_t i = 0; i < trace.size(); ++i) {
    if (!lost.contains(i)) kept.push_back(trace[i]);
  }
  return kept;
}

FaultWorld::FaultWorld(DiskImage image, uint64_t seed, std::vector<PlannedFault> faults)
    : world_(std::move(image), seed), plane_(std::move(faults)), syncs_(world_.disk()) {
  world_.disk().Record(true);
  fs_ = MakeFaultSimFs(world_.fs(), plane_, syncs_);
  env_ = world_.env();
  env_.fs = fs_.get();
  env_.index_fs = MakeFaultIndexFs(world_.env().index_fs, plane_, syncs_);
  env_.open_device = [this](const std::string& path,
                            const DeviceOpenOptions& options) -> Result<OpenedDevice> {
    if (plane_.Pass("device.open", "device")) return Status::IoError("open " + path + ": injected");
    RAWKV_ASSIGN_OR_RETURN(OpenedDevice opened, world_.env().open_device(path, options));
    return OpenFaultDevice(std::move(opened), plane_, syncs_);
  };
  env_.create_device = [this](const std::string& path, uint64_t bytes) -> Status {
    if (const auto failure = plane_.Pass("device.create", "device")) {
      return failure->kind == FaultKind::kNoSpace ? Status::NoSpace("create " + path + ": injected")
                                                  : Status::IoError("create " + path + ": injected");
    }
    return world_.env().create_device(path, bytes);
  };
}

CrashStates FaultWorld::AtPowerCut(const DiskImage& start) {
  DiskImage before = start;
  // Adds the devices that the run made to the start: the trace has no event for them.
  const DiskImage now = world_.disk().Image();
  for (const auto& [path, content] : now.devices()) {
    if (!before.devices().contains(path)) before.devices()[path].Resize(content.size());
  }
  CrashStates states(std::move(before));
  for (const TraceEvent& event : syncs_.WithoutLost(world_.disk().TakeTrace())) states.Advance(event);
  return states;
}

}  // namespace rawkv
