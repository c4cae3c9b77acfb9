#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "base/logger.h"
#include "base/mutex.h"
#include "base/thread.h"

namespace rawkv {

// Logs a warning for each call that takes longer than a bound, within twice the bound, and again each time
// the duration has doubled. Some calls of RocksDB wait for RocksDB's own threads, without a bound and without
// a message. An operator must see a commit, a snapshot or a close that hangs there.
//
// One reporter with one thread serves all indexes of a process, because a store opens many indexes for a
// short time. Thread-safe. The first call starts the thread. If the process can have no more threads, calls
// work without reports.
class StallReporter {
 public:
  explicit StallReporter(uint64_t bound_ms) : bound_ms_(bound_ms) {}
  ~StallReporter();
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;

  // The reporter of this process. It ends when nobody holds it any more.
  static std::shared_ptr<StallReporter> Shared();

 private:
  friend class StallWatch;
  struct Entry {
    Logger* logger;
    const std::string* subject;
    const char* what;
    uint64_t began_ns;
    uint64_t report_after_ms;
  };
  using EntryList = std::list<Entry>;

  EntryList::iterator Begin(Logger& logger, const std::string& subject, const char* what);
  void End(EntryList::iterator entry);
  void StartThread(Logger& logger) RAWKV_REQUIRES(mu_);
  void Run();
  void ReportDue() RAWKV_REQUIRES(mu_);

  const uint64_t bound_ms_;
  Mutex mu_;
  CondVar changed_;
  EntryList calls_ RAWKV_GUARDED_BY(mu_);
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  bool tried_ RAWKV_GUARDED_BY(mu_) = false;  // StartThread has tried to start the thread
  Thread thread_;
};

// The calls of one index. Each message begins with `subject`. With a null logger nothing is reported.
// Thread-safe.
class StallWatch {
 public:
  StallWatch(Logger* logger, std::string subject,
             std::shared_ptr<StallReporter> reporter = StallReporter::Shared())
      : logger_(logger), subject_(std::move(subject)), reporter_(std::move(reporter)) {}
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
    StallReporter::EntryList::iterator entry_;
  };

 private:
  Logger* const logger_;
  const std::string subject_;
  const std::shared_ptr<StallReporter> reporter_;
};

}  // namespace rawkv
