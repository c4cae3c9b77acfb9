#include "engine/rocksdb/stall_watch.h"

#include <algorithm>

#include "base/clock.h"

namespace rawkv {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kBoundMs = 10'000;

}  // namespace

std::shared_ptr<StallReporter> StallReporter::Shared() {
  struct Present {
    Mutex mu;
    std::weak_ptr<StallReporter> reporter RAWKV_GUARDED_BY(mu);
  };
  static Present* const present =
      new Present();  // never deleted: indexes may be opened until the process ends
  MutexLock lock(present->mu);
  std::shared_ptr<StallReporter> reporter = present->reporter.lock();
  if (reporter == nullptr) {
    reporter = std::make_shared<StallReporter>(kBoundMs);
    present->reporter = reporter;
  }
  return reporter;
}

StallReporter::~StallReporter() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

StallReporter::EntryList::iterator StallReporter::Begin(Logger& logger, const std::string& subject,
                                                        const char* what) {
  const uint64_t now = SystemClock().MonotonicNs();
  MutexLock lock(mu_);
  StartThread(logger);
  return calls_.insert(calls_.end(), {&logger, &subject, what, now, bound_ms_});
}

void StallReporter::End(EntryList::iterator entry) {
  MutexLock lock(mu_);
  calls_.erase(entry);
}

void StallReporter::StartThread(Logger& logger) {
  if (tried_) return;
  tried_ = true;
  const Status started = thread_.Start([this] { Run(); });
  if (started.ok()) return;
  logger.Log(LogLevel::kWarning, "calls of RocksDB that hang are not reported: " + started.message());
}

void StallReporter::ReportDue() {
  const uint64_t now = SystemClock().MonotonicNs();
  for (Entry& call : calls_) {
    const uint64_t ms = (now - std::min(now, call.began_ns)) / kNsPerMs;
    if (ms < call.report_after_ms) continue;
    call.logger->Log(LogLevel::kWarning, *call.subject + ": " + call.what + " has taken " +
                                             std::to_string(ms) +
                                             " ms and has not ended; if it never ends, restart the process");
    call.report_after_ms = 2 * ms;
  }
}

void StallReporter::Run() {
  MutexLock lock(mu_);
  // The thread wakes up by the clock. A call does not wake it, so that a commit does not pay for that.
  while (!stop_) {
    changed_.WaitForMs(mu_, static_cast<int64_t>(bound_ms_));
    ReportDue();
  }
}

StallWatch::Call::Call(StallWatch& watch, const char* what) : watch_(watch) {
  if (watch_.logger_ != nullptr) entry_ = watch_.reporter_->Begin(*watch_.logger_, watch_.subject_, what);
}

StallWatch::Call::~Call() {
  if (watch_.logger_ != nullptr) watch_.reporter_->End(entry_);
}

}  // namespace rawkv
