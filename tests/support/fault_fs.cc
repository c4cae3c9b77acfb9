#include "tests/support/fault_fs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace rawkv {

void FaultFs::Arm(Fault fault) {
  MutexLock lock(mu_);
  fault_ = std::move(fault);
  armed_ = true;
  fired_ = false;
}

void FaultFs::Disarm() {
  MutexLock lock(mu_);
  armed_ = false;
}

bool FaultFs::fired() const {
  MutexLock lock(mu_);
  return fired_;
}

uint64_t FaultFs::operations() const {
  MutexLock lock(mu_);
  return trace_.size();
}

std::vector<FaultFs::Operation> FaultFs::trace() const {
  MutexLock lock(mu_);
  return trace_;
}

void FaultFs::ClearTrace() {
  MutexLock lock(mu_);
  trace_.clear();
}

Status FaultFs::Before(const Operation& operation, bool* half) {
  static constexpr std::array kReads{"read", "size", "open", "stat", "list", "readlink", "space"};
  if (std::find(kReads.begin(), kReads.end(), operation.name) != kReads.end()) return {};
  MutexLock lock(mu_);
  trace_.push_back(operation);
  if (!armed_) return {};
  const bool stopped = fired_ && fault_.reach == Reach::kEverything;
  if (!stopped) {
    if (fault_.matches && !fault_.matches(operation)) return {};
    if (fault_.skip > 0) {
      --fault_.skip;
      return {};
    }
    *half = fault_.partial && !fired_;
    if (fault_.reach == Reach::kOnce) armed_ = false;
  }
  fired_ = true;
  return fault_.status.WithContext(operation.name + " " + operation.path);
}

}  // namespace rawkv
