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

// What a file, directory or part of a device is to the store, by its path: "STORE", "wal segment",
// "working SST", "slots" …; names that differ only in version, number or identity are of one kind.
std::string KindOfPath(std::string_view path);
std::string KindOfDeviceRegion(uint64_t offset);

// Where an operation stands: the protocol step under way, the operation as its seam calls it ("fs.write",
// "index.append", "device.flush" …), and the kind of what it works on.
struct FaultSite {
  std::string step;
  std::string operation;
  std::string kind;
  auto operator<=>(const FaultSite&) const = default;
};
std::string ToString(const FaultSite& site);

// What an operation does to the machine decides which errors it can meet.
enum class Effect : uint8_t {
  kReads,      // and looks: EIO
  kTakesRoom,  // writes, makes names: EIO, ENOSPC (EDQUOT is the same at the seam)
  kChanges,    // removes, renames onto: EIO
  kSyncs,      // EIO; what was to be made durable is lost
};
Effect EffectOf(const std::string& operation);

enum class FaultKind : uint8_t { kIoError, kNoSpace };
enum class FaultReach : uint8_t {
  kOnce,
  kSame,     // and every later one of the operation on the kind, in whatever step: a bad place
  kChanging  // and every later one that changes or syncs anything: a full or write-protected machine.
             // With kNoSpace only those that take room.
};

struct PlannedFault {
  FaultSite site;
  uint64_t occurrence = 1;  // which of the site's operations, from 1
  FaultKind kind = FaultKind::kIoError;
  FaultReach reach = FaultReach::kOnce;
  bool half = false;  // a write does its first half
};
std::string ToString(const PlannedFault& fault);

// Counts the operations of a run by site and decides which of them fail. Thread-safe.
class FaultPlane {
 public:
  explicit FaultPlane(std::vector<PlannedFault> faults)
      : faults_(std::move(faults)), fired_(faults_.size()) {}

  // By the thread that drives the run. What RocksDB does on its own threads is of no step, since nothing
  // says when: it counts as "background".
  void SetStep(std::string step) RAWKV_EXCLUDES(mu_);
  // The faults are over, and so is counting.
  void Disarm() RAWKV_EXCLUDES(mu_);

  struct Failure {
    FaultKind kind;
    bool half;
  };
  // For each operation before it takes place; nothing: it goes on.
  std::optional<Failure> Pass(const std::string& operation, const std::string& kind) RAWKV_EXCLUDES(mu_);

  bool AllFired() const RAWKV_EXCLUDES(mu_);
  // Whether something may still fail.
  bool Lasting() const RAWKV_EXCLUDES(mu_);
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
