#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv {

// Knows which flushes were begun and which are durable, by RocksDB sequence numbers: a flush freezes
// all up to a number, and memtables reach the disk in order, however many of them one job takes. So
// nothing is counted, and merged or empty flushes cannot be miscounted. Thread-safe.
class FlushTracker {
 public:
  // All up to `durable_through` is on disk.
  explicit FlushTracker(uint64_t durable_through);

  // A flush of all up to `through` is about to begin. Forgets a passing failure; a lasting one is
  // returned, and nothing may begin.
  Status Begin(uint64_t through);
  void Done(uint64_t through);
  // The flush failed but can be begun again: nothing was lost.
  void FailForNow(Status why);
  // RocksDB will write nothing more. The first failure stands until the index is closed.
  void Fail(Status why);
  // Until all that was begun is durable; or the first failure.
  Status Wait();
  // The lasting failure, if there is one.
  Status failure() const;

 private:
  mutable Mutex mu_;
  CondVar changed_;
  uint64_t begun_through_ RAWKV_GUARDED_BY(mu_);
  uint64_t durable_through_ RAWKV_GUARDED_BY(mu_);
  Status passing_failure_ RAWKV_GUARDED_BY(mu_);
  Status failure_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
