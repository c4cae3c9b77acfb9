#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "tests/support/fs_seam.h"

namespace rawkv {

// Records each operation that changes something (writes, syncs, names, locks), and lets chosen ones fail.
// Changes before a failure stay: with kEverything, the other filesystem then shows the state that a process
// leaves that was killed there. Power cuts, which also lose unsynced changes, belong to the simulated disk.
// Thread-safe.
class FaultFs final : public FsSeam {
 public:
  using Operation = FsOperation;
  using Predicate = std::function<bool(const Operation&)>;

  enum class Reach : uint8_t {
    kOnce,        // this operation only; the fault is then disarmed
    kMatching,    // and every later one that matches, like a disk that stays full
    kEverything,  // and every later one, like a process that was killed
  };
  struct Fault {
    uint64_t skip = 0;  // matching operations that still succeed
    Status status = Status::IoError("injected");
    Reach reach = Reach::kEverything;
    bool partial = false;  // the first failing write or zero fill writes its first half
    Predicate matches;     // empty: every operation
  };

  explicit FaultFs(Fs& base) : FsSeam(base) {}

  void Arm(Fault fault) RAWKV_EXCLUDES(mu_);
  void Disarm() RAWKV_EXCLUDES(mu_);
  bool fired() const RAWKV_EXCLUDES(mu_);           // since Arm
  uint64_t operations() const RAWKV_EXCLUDES(mu_);  // since ClearTrace, failed ones included
  std::vector<Operation> trace() const RAWKV_EXCLUDES(mu_);
  void ClearTrace() RAWKV_EXCLUDES(mu_);

 private:
  Status Before(const Operation& operation, bool* half) override RAWKV_EXCLUDES(mu_);

  mutable Mutex mu_;
  bool armed_ RAWKV_GUARDED_BY(mu_) = false;
  bool fired_ RAWKV_GUARDED_BY(mu_) = false;
  Fault fault_ RAWKV_GUARDED_BY(mu_);
  std::vector<Operation> trace_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
