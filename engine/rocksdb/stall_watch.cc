#include "engine/rocksdb/stall_watch.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace rawkv {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

StallWatch::StallWatch(Logger* logger, std::string subject, uint64_t bound_ms)
    : logger_(logger), subject_(std::move(subject)), bound_ms_(bound_ms) {}

StallWatch::~StallWatch() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

StallWatch::Call::Call(StallWatch& watch, const char* what) : watch_(watch) {
  const uint64_t now = SystemClock().MonotonicNs();
  MutexLock lock(watch_.mu_);
  watch_.StartThread();
  entry_ = watch_.calls_.insert(watch_.calls_.end(), {what, now, watch_.bound_ms_});
}

StallWatch::Call::~Call() {
  MutexLock lock(watch_.mu_);
  watch_.calls_.erase(entry_);
}

void StallWatch::StartThread() {
  if (tried_ || logger_ == nullptr) return;
  tried_ = true;
  const Status started = thread_.Start([this] { Run(); });
  if (started.ok()) return;
  logger_->Log(LogLevel::kWarning, subject_ + ": calls that hang are not reported: " + started.message());
}

void StallWatch::ReportDue() {
  const uint64_t now = SystemClock().MonotonicNs();
  for (Entry& call : calls_) {
    const uint64_t ms = (now - std::min(now, call.began_ns)) / kNsPerMs;
    if (ms < call.report_after_ms) continue;
    logger_->Log(LogLevel::kWarning, subject_ + ": " + call.what + " has taken " + std::to_string(ms) +
                                         " ms and has not ended; if it never ends, restart the process");
    call.report_after_ms = 2 * ms;
  }
}

void StallWatch::Run() {
  MutexLock lock(mu_);
  // The thread wakes up by the clock. A call does not wake it, so that a commit does not pay for that.
  while (!stop_) {
    changed_.WaitForMs(mu_, static_cast<int64_t>(bound_ms_));
    ReportDue();
  }
}

}  // namespace rawkv
