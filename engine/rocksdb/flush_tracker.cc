#include "engine/rocksdb/flush_tracker.h"

#include <algorithm>
#include <utility>

namespace rawkv {

FlushTracker::FlushTracker(uint64_t durable_through)
    : begun_through_(durable_through), durable_through_(durable_through) {}

Status FlushTracker::Begin(uint64_t through) {
  MutexLock lock(mu_);
  if (!failure_.ok()) return failure_;
  passing_failure_ = Status::Ok();
  begun_through_ = std::max(begun_through_, through);
  return {};
}

void FlushTracker::Done(uint64_t through) {
  MutexLock lock(mu_);
  durable_through_ = std::max(durable_through_, through);
  changed_.NotifyAll();
}

void FlushTracker::FailForNow(Status why) {
  MutexLock lock(mu_);
  if (passing_failure_.ok()) passing_failure_ = std::move(why);
  changed_.NotifyAll();
}

void FlushTracker::Fail(Status why) {
  MutexLock lock(mu_);
  if (failure_.ok()) failure_ = std::move(why);
  changed_.NotifyAll();
}

Status FlushTracker::failure() const {
  MutexLock lock(mu_);
  return failure_;
}

Status FlushTracker::Wait() {
  MutexLock lock(mu_);
  while (failure_.ok() && passing_failure_.ok() && durable_through_ < begun_through_) changed_.Wait(mu_);
  if (!failure_.ok()) return failure_;
  return durable_through_ < begun_through_ ? passing_failure_ : Status::Ok();
}

}  // namespace rawkv
