#pragma once

#include <memory>
#include <optional>

#include "base/mutex.h"
#include "base/thread.h"
#include "engine/maintenance/scrub_pass.h"
#include "engine/maintenance/throttle.h"

namespace rawkv {

// Runs scrub passes, one run at a time, in the caller's thread or in its own, and keeps their place in
// STORE/SCRUB. A run is one Run, or one Start with all the passes that follow it. Each caller gets the report
// of the run that it began or stopped, whatever runs begin after it. Thread-safe, but for destruction.
class Scrubber final : private ScrubMonitor {
 public:
  explicit Scrubber(ScrubParts parts);
  ~Scrubber() override;

  // kBusy while a run is under way. An error that ended the run early is returned.
  Result<ScrubReport> Run(const ScrubOptions& options);
  Status Start(const ScrubOptions& options);
  // Ends the run under way, in whichever thread, waits for it and returns its report. Without one: the report
  // of the last run.
  ScrubReport Stop();
  ScrubReport report() const;

 private:
  // Shared by the run and those who wait for its end. Guarded by mu_.
  using Shared = std::shared_ptr<ScrubReport>;

  Status BeginRun(const ScrubOptions& options);
  // The run that Begin has begun: one pass, or one after another. Returns its report.
  ScrubReport RunPasses(const std::optional<uint64_t>& rest_seconds);
  void RunInBackground(const std::optional<uint64_t>& rest_seconds, bool restart);
  Shared LatestReport() const;
  Result<bool> RunPass();                    // false: stopped before its end
  bool RestUntilDue(uint64_t rest_seconds);  // false: stopped
  ScrubReport FinishRun(const Status& outcome);
  void Save(const ScrubState& state);
  void FillReport(const ScrubState& state) RAWKV_REQUIRES(mu_);

  bool Spend(uint64_t bytes) override { return throttle_.Spend(bytes); }
  void OnFinding(Finding finding) override;
  void OnProgress(const ScrubState& state) override;

  const ScrubParts parts_;
  Throttle throttle_;
  // Of the run under way; its thread's.
  ProgressFn progress_;
  std::optional<ScrubState> state_;
  uint64_t saved_at_ns_ = 0;
  uint64_t saved_at_bytes_ = 0;
  uint64_t reported_at_ns_ = 0;

  mutable Mutex mu_;
  CondVar ended_;
  Shared report_ RAWKV_GUARDED_BY(mu_) = std::make_shared<ScrubReport>();  // of the newest run; never null
  Mutex thread_mu_;                                                        // one Start at a time; before mu_
  Thread thread_ RAWKV_GUARDED_BY(thread_mu_);
};

}  // namespace rawkv
