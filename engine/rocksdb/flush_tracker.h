#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/status.h"

namespace rawkv {

// Tracks by RocksDB's sequence numbers which flushes were begun and which are durable. A flush freezes
// everything up to a number, and memtables become durable in order, however many of them one job takes. So it
// counts no flushes, and merged or empty ones cause no error. Thread-safe.
class FlushTracker {
 public:
  // Everything up to `durable_through` is durable.
  explicit FlushTracker(uint64_t durable_through);

  // The caller is about to begin a flush of everything up to `through`. Forgets a passing failure. Returns a
  // lasting failure, and the caller must then not begin.
  Status Begin(uint64_t through);
  // Everything up to `through` is durable.
  void Done(uint64_t through);
  // The flush failed and lost nothing; it can begin again.
  void FailForNow(Status why);
  // RocksDB writes nothing any more. The first failure stays until the index is closed.
  void Fail(Status why);
  // Waits until everything that was begun is durable, or returns the first failure.
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
