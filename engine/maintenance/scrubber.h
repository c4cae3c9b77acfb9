#pragma once

#include <memory>
#include <optional>

#include "base/mutex.h"
#include "base/thread.h"
#include "engine/maintenance/scrub_pass.h"
#include "engine/maintenance/throttle.h"

namespace rawkv {

// Runs scrub passes, in the caller's thread or in its own, and keeps their place in the file SCRUB. One run
// at a time: a run is one call of Run, or one call of Start with all its passes. Each caller gets the report
// of the run that it began or stopped, even if other runs began after it. Thread-safe, except the destructor.
class Scrubber final : private ScrubMonitor {
 public:
  explicit Scrubber(ScrubParts parts);
  ~Scrubber() override;

  // Runs one pass. kBusy: a run is under way. Returns an error that ended the run early.
  Result<ScrubReport> Run(const ScrubOptions& options);
  // Starts a run in the background. kBusy: a run is under way.
  Status Start(const ScrubOptions& options);
  // Ends the run under way, in whichever thread it is, waits for it and returns its report. Returns the
  // report of the last run if there is none.
  ScrubReport Stop();
  ScrubReport report() const;

 private:
  // Shared by a run and the callers that wait for its end. mu_ guards its content.
  using Shared = std::shared_ptr<ScrubReport>;

  Status BeginRun(const ScrubOptions& options);
  // Runs one pass, or with `rest_seconds` pass after pass, and returns the report.
  ScrubReport RunPasses(const std::optional<uint64_t>& rest_seconds);
  void RunInBackground(const std::optional<uint64_t>& rest_seconds, bool restart);
  Shared LatestReport() const;
  Result<bool> RunPass();                    // false: the monitor stopped it
  bool RestUntilDue(uint64_t rest_seconds);  // false: the run was stopped
  ScrubReport FinishRun(const Status& outcome);
  void Save(const ScrubState& state);
  void FillReport(const ScrubState& state) RAWKV_REQUIRES(mu_);

  bool Spend(uint64_t bytes) override { return throttle_.Spend(bytes); }
  void OnFinding(Finding finding) override;
  void OnProgress(const ScrubState& state) override;

  const ScrubParts parts_;
  Throttle throttle_;
  // Of the run under way; only its thread uses them.
  ProgressFn progress_;
  std::optional<ScrubState> state_;
  uint64_t saved_at_ns_ = 0;
  uint64_t saved_at_bytes_ = 0;
  uint64_t reported_at_ns_ = 0;

  mutable Mutex mu_;
  CondVar ended_;
  Shared report_ RAWKV_GUARDED_BY(mu_) = std::make_shared<ScrubReport>();  // of the newest run; never null
  Mutex thread_mu_;  // one Start at a time; locked before mu_
  Thread thread_ RAWKV_GUARDED_BY(thread_mu_);
};

}  // namespace rawkv
