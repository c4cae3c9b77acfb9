#include "engine/maintenance/scrubber.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/exception_status.h"

namespace rawkv {
namespace {

constexpr size_t kFindingsKept = 1000;
// After a crash a scrub reads at most so much again.
constexpr uint64_t kSaveEveryBytes = 256ull << 20;
constexpr uint64_t kSaveEveryNs = 10'000'000'000;
constexpr uint64_t kReportEveryNs = 250'000'000;
constexpr uint64_t kMaxRestSeconds = 100ull * 365 * 86400;

}  // namespace

Scrubber::Scrubber(ScrubParts parts) : parts_(std::move(parts)), throttle_(*parts_.context.env.clock) {}

Scrubber::~Scrubber() {
  Stop();
  MutexLock lock(thread_mu_);
  thread_.Join();
}

Status Scrubber::BeginRun(const ScrubOptions& options) {
  const StoreContext& c = parts_.context;
  MutexLock lock(mu_);
  if (report_->running) return Status::Busy("a scrub is under way already");
  ScrubState state;
  Result<ScrubState> kept = LoadScrubState(*c.env.fs, c.paths.scrub(), c.identity.store_uuid);
  if (kept.ok()) {
    state = *std::move(kept);
  } else if (kept.status().code() != StatusCode::kNotFound) {
    if (kept.status().code() != StatusCode::kCorruption) return kept.status();
    c.env.logger->Log(LogLevel::kWarning, kept.status().message() + "; the scrub begins a new pass");
  }
  const bool resumed = state.started_unix_ms != 0 && !options.restart;
  if (!resumed) {
    state = ScrubState{.pass = state.started_unix_ms != 0 ? state.pass + 1 : state.pass,
                       .last_complete_unix_ms = state.last_complete_unix_ms};
  }
  ProgressFn progress = options.progress;
  // Nothing from here on throws. Otherwise the report would stay `running` for ever.
  report_ = std::make_shared<ScrubReport>(ScrubReport{.running = true, .resumed = resumed});
  FillReport(state);
  throttle_.Begin(options.bytes_per_second);
  progress_ = std::move(progress);
  saved_at_ns_ = reported_at_ns_ = c.env.clock->MonotonicNs();
  saved_at_bytes_ = state.bytes;
  state_ = std::move(state);
  return Status::Ok();
}

Result<bool> Scrubber::RunPass() {
  if (state_->started_unix_ms == 0) state_->started_unix_ms = parts_.context.env.clock->NowUnixMs();
  RAWKV_ASSIGN_OR_RETURN(const bool complete, ScrubPass(parts_, *this, *state_).Run());
  if (!complete) return false;
  state_ =
      ScrubState{.pass = state_->pass + 1, .last_complete_unix_ms = parts_.context.env.clock->NowUnixMs()};
  Save(*state_);
  MutexLock lock(mu_);
  report_->complete = true;
  return true;
}

// An interrupted pass resumes at once, even if the pass before it ended a short time ago.
bool Scrubber::RestUntilDue(uint64_t rest_seconds) {
  if (state_->started_unix_ms != 0 || state_->last_complete_unix_ms == 0) return true;
  const uint64_t now = parts_.context.env.clock->NowUnixMs();
  const uint64_t rested = now - std::min(now, state_->last_complete_unix_ms);
  const uint64_t rest_ms = std::min(rest_seconds, kMaxRestSeconds) * 1000;
  if (rested >= rest_ms) return true;
  {
    MutexLock lock(mu_);
    report_->phase = "resting";
  }
  return throttle_.Rest(rest_ms - rested);
}

ScrubReport Scrubber::RunPasses(const std::optional<uint64_t>& rest_seconds) {
  const auto pass = [this] { return NoThrow([this] { return RunPass(); }); };
  Result<bool> outcome = pass();
  while (rest_seconds && outcome.ok() && *outcome) {
    outcome = RestUntilDue(*rest_seconds) ? pass() : Result<bool>(false);
  }
  return FinishRun(outcome.status());
}

ScrubReport Scrubber::FinishRun(const Status& outcome) {
  (void)NoThrow([this]() -> Status {
    Save(*state_);
    return {};
  });
  MutexLock lock(mu_);
  report_->running = false;
  report_->stopped = outcome;
  ended_.NotifyAll();
  return *report_;  // under the lock: after it, another run may begin
}

Result<ScrubReport> Scrubber::Run(const ScrubOptions& options) {
  RAWKV_RETURN_IF_ERROR(BeginRun(options));
  ScrubReport done = RunPasses({});
  if (!done.stopped.ok()) return done.stopped;
  return done;
}

Status Scrubber::Start(const ScrubOptions& options) {
  MutexLock lock(thread_mu_);
  const Shared before = LatestReport();
  // Before the run begins, as this may fail for lack of memory.
  std::function<void()> body = [this, rest = options.rest_seconds, restart = options.restart] {
    (void)NoThrow([&]() -> Status {
      RunInBackground(rest, restart);
      return {};
    });
  };
  RAWKV_RETURN_IF_ERROR(BeginRun(options));
  thread_.Join();  // its run has ended
  const Status started = thread_.Start(std::move(body));
  if (!started.ok()) {
    // Restores the report of the run before, and wakes the callers that wait for the end of this one.
    MutexLock report(mu_);
    report_->running = false;
    report_->stopped = started;
    report_ = before;
    ended_.NotifyAll();
  }
  return started;
}

void Scrubber::RunInBackground(const std::optional<uint64_t>& rest_seconds, bool restart) {
  const bool now = !rest_seconds || restart || RestUntilDue(*rest_seconds);
  const ScrubReport done = now ? RunPasses(rest_seconds) : FinishRun(Status::Ok());
  if (done.stopped.ok()) return;
  parts_.context.env.logger->Log(
      LogLevel::kWarning,
      parts_.context.paths.dir + ": the scrub in the background ended early: " + done.stopped.ToString());
}

Scrubber::Shared Scrubber::LatestReport() const {
  MutexLock lock(mu_);
  return report_;
}

ScrubReport Scrubber::Stop() {
  // Under mu_, so that a run that begins at this moment is stopped, too.
  MutexLock lock(mu_);
  const Shared stopped = report_;
  if (stopped->running) throttle_.Stop();
  while (stopped->running) ended_.Wait(mu_);
  return *stopped;
}

ScrubReport Scrubber::report() const {
  MutexLock lock(mu_);
  return *report_;
}

void Scrubber::FillReport(const ScrubState& state) {
  report_->pass = state.pass;
  report_->phase = ScrubPhaseName(state.phase);
  report_->bytes = state.bytes;
  report_->records = state.records;
  report_->snapshots = state.snapshots;
  report_->payloads = state.payloads;
  report_->findings_total = state.findings;
}

void Scrubber::OnFinding(Finding finding) {
  parts_.context.env.logger->Log(LogLevel::kError, parts_.context.paths.dir +
                                                       ": scrub found damage: " + finding.kind + " " +
                                                       finding.where + ": " + finding.message);
  MutexLock lock(mu_);
  if (report_->findings.size() < kFindingsKept) report_->findings.push_back(std::move(finding));
}

void Scrubber::OnProgress(const ScrubState& state) {
  state_ = state;
  {
    MutexLock lock(mu_);
    FillReport(state);
  }
  const uint64_t now = parts_.context.env.clock->MonotonicNs();
  if (now - saved_at_ns_ >= kSaveEveryNs || state.bytes - saved_at_bytes_ >= kSaveEveryBytes) {
    saved_at_ns_ = now;
    saved_at_bytes_ = state.bytes;
    Save(state);
  }
  if (progress_ && now - reported_at_ns_ >= kReportEveryNs) {
    reported_at_ns_ = now;
    progress_({"scrub", state.bytes, 0, "bytes"});
  }
}

void Scrubber::Save(const ScrubState& state) {
  const StoreContext& c = parts_.context;
  const Status saved = SaveScrubState(*c.env.fs, c.paths.scrub(), state, c.identity.store_uuid);
  // A full filesystem must not end a scrub: without its place, the next run only reads more again.
  if (!saved.ok()) {
    c.env.logger->Log(LogLevel::kWarning, "the scrub's place cannot be saved: " + saved.message());
  }
}

}  // namespace rawkv
