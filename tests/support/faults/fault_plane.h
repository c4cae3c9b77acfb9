#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv {

// The kind of a file, directory or part of a device, by its path: "STORE", "wal segment", "working SST",
// "slots" and so on. Names that differ only in version, number or identity have one kind.
std::string KindOfPath(std::string_view path);
std::string KindOfDeviceRegion(uint64_t offset);

// The place of an operation: the protocol step under way, the operation as its seam names it ("fs.write",
// "index.append", "device.flush" and so on), and the kind of its file or device.
struct FaultSite {
  std::string step;
  std::string operation;
  std::string kind;
  auto operator<=>(const FaultSite&) const = default;
};
std::string ToString(const FaultSite& site);

// The effect of an operation decides which errors it can return.
enum class Effect : uint8_t {
  kReads,      // reads and queries: EIO
  kTakesRoom,  // writes and creates names: EIO, ENOSPC (EDQUOT is the same at the seam)
  kChanges,    // removes and truncates: EIO
  kSyncs,      // EIO; the changes that the sync should make durable are lost
};
Effect EffectOf(const std::string& operation);

enum class FaultKind : uint8_t { kIoError, kNoSpace };
enum class FaultReach : uint8_t {
  kOnce,
  kSame,     // and every later one of this operation on this kind, in any step, like a bad sector
  kChanging  // and every later change or sync, like a full or write-protected machine.
             // With kNoSpace only changes that take room.
};

struct PlannedFault {
  FaultSite site;
  uint64_t occurrence = 1;  // which of the site's operations, from 1
  FaultKind kind = FaultKind::kIoError;
  FaultReach reach = FaultReach::kOnce;
  bool half = false;  // a write writes its first half
};
std::string ToString(const PlannedFault& fault);

// Counts the operations of a run by site and decides which of them fail. Thread-safe.
class FaultPlane {
 public:
  explicit FaultPlane(std::vector<PlannedFault> faults)
      : faults_(std::move(faults)), fired_(faults_.size()) {}

  // Called by the thread that drives the run. Operations of RocksDB's own threads count as "background" and
  // belong to no step, because their time is not determined.
  void SetStep(std::string step) RAWKV_EXCLUDES(mu_);
  // Ends the faults and the counting.
  void Disarm() RAWKV_EXCLUDES(mu_);

  struct Failure {
    FaultKind kind;
    bool half;
  };
  // Called before each operation. Returns a failure if the operation must fail.
  std::optional<Failure> Pass(const std::string& operation, const std::string& kind) RAWKV_EXCLUDES(mu_);

  bool AllFired() const RAWKV_EXCLUDES(mu_);
  // Whether an operation may still fail.
  bool MayStillFail() const RAWKV_EXCLUDES(mu_);
  uint64_t failures() const RAWKV_EXCLUDES(mu_);
  std::map<FaultSite, uint64_t> performed() const RAWKV_EXCLUDES(mu_);

 private:
  mutable Mutex mu_;
  const std::vector<PlannedFault> faults_;
  std::vector<bool> fired_ RAWKV_GUARDED_BY(mu_);
  std::string step_ RAWKV_GUARDED_BY(mu_);
  std::thread::id driver_ RAWKV_GUARDED_BY(mu_);
  bool armed_ RAWKV_GUARDED_BY(mu_) = true;
  uint64_t failures_ RAWKV_GUARDED_BY(mu_) = 0;
  std::map<FaultSite, uint64_t> performed_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
