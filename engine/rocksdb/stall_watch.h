#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "base/logger.h"
#include "base/mutex.h"
#include "base/thread.h"

namespace rawkv {

// Logs a warning for each call that takes longer than a bound, within twice the bound, and again each time
// the duration has doubled. Some calls of RocksDB wait for RocksDB's own threads, without a bound and without
// a message. An operator must see a commit, a snapshot or a close that hangs there.
//
// Thread-safe. The first call starts the watch's thread. If the process can have no more threads, calls work
// without the watch.
class StallWatch {
  struct Entry {
    const char* what;
    uint64_t began_ns;
    uint64_t report_after_ms;
  };

 public:
  // Each message begins with `subject`. With a null logger nothing is watched.
  StallWatch(Logger* logger, std::string subject, uint64_t bound_ms = kBoundMs);
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  // A call that is under way while this object exists. `what` is a literal: "flushing", "closing".
  class Call {
   public:
    Call(StallWatch& watch, const char* what);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    StallWatch& watch_;
    std::list<Entry>::iterator entry_;
  };

 private:
  static constexpr uint64_t kBoundMs = 10'000;

  void StartThread() RAWKV_REQUIRES(mu_);
  void Run();
  void ReportDue() RAWKV_REQUIRES(mu_);

  Logger* const logger_;
  const std::string subject_;
  const uint64_t bound_ms_;
  Mutex mu_;
  CondVar changed_;
  std::list<Entry> calls_ RAWKV_GUARDED_BY(mu_);
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  bool tried_ RAWKV_GUARDED_BY(mu_) = false;  // StartThread has tried to start the thread
  Thread thread_;
};

}  // namespace rawkv
