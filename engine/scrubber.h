#pragma once

#include <optional>
#include <thread>

#include "base/mutex.h"
#include "engine/scrub_pass.h"
#include "engine/throttle.h"

namespace rawkv {

// Runs scrub passes, one at a time, in the caller's thread or in its own, and keeps their place in
// STORE/SCRUB. Thread-safe.
class Scrubber final : private ScrubMonitor {
 public:
  explicit Scrubber(ScrubParts parts);
  ~Scrubber() override { Stop(); }

  // kBusy while a run is under way.
  Result<ScrubReport> Run(const ScrubOptions& options);
  Status Start(const ScrubOptions& options);
  // Ends the run under way, in whichever thread, and waits for it.
  ScrubReport Stop();
  ScrubReport report() const;

 private:
  Status Begin(const ScrubOptions& options);
  // The run that Begin has begun: one pass, or one after another.
  void Work(const std::optional<uint64_t>& rest_seconds);
  Result<bool> OnePass();                    // false: stopped before its end
  bool RestUntilDue(uint64_t rest_seconds);  // false: stopped
  void Finish(const Status& outcome);
  void Save(const ScrubState& state);
  void Fill(const ScrubState& state) RAWKV_REQUIRES(mu_);

  bool Spend(uint64_t bytes) override { return throttle_.Spend(bytes); }
  void Found(Finding finding) override;
  void At(const ScrubState& state) override;

  const ScrubParts parts_;
  Throttle throttle_;
  // Of the run under way; its thread's.
  ProgressFn progress_;
  std::optional<ScrubState> state_;
  uint64_t saved_at_ns_ = 0;
  uint64_t saved_at_bytes_ = 0;
  uint64_t told_at_ns_ = 0;

  mutable Mutex mu_;
  CondVar ended_;
  ScrubReport report_ RAWKV_GUARDED_BY(mu_);
  Mutex thread_mu_;  // one Start or Stop at a time; before mu_
  std::thread thread_ RAWKV_GUARDED_BY(thread_mu_);
};

}  // namespace rawkv
