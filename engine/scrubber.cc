#include "engine/scrubber.h"

#include <algorithm>
#include <utility>

namespace rawkv {
namespace {

constexpr size_t kFindingsKept = 1000;
// A crash costs at most so much reading again.
constexpr uint64_t kSaveEveryBytes = 256ull << 20;
constexpr uint64_t kSaveEveryNs = 10'000'000'000;
constexpr uint64_t kTellEveryNs = 250'000'000;
constexpr uint64_t kMaxRestSeconds = 100ull * 365 * 86400;

}  // namespace

Scrubber::Scrubber(ScrubParts parts) : parts_(std::move(parts)), throttle_(*parts_.context.env.clock) {}

Status Scrubber::Begin(const ScrubOptions& options) {
  const StoreContext& c = parts_.context;
  MutexLock lock(mu_);
  if (report_.running) return Status::Busy("a scrub is under way already");
  ScrubState state;
  Result<ScrubState> kept = LoadScrubState(*c.env.fs, c.paths.scrub(), c.record.store_uuid);
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
  report_ = ScrubReport{.running = true, .resumed = resumed};
  Fill(state);
  throttle_.Begin(options.bytes_per_second);
  progress_ = options.progress;
  saved_at_ns_ = told_at_ns_ = c.env.clock->MonotonicNs();
  saved_at_bytes_ = state.bytes;
  state_ = std::move(state);
  return Status::Ok();
}

Result<bool> Scrubber::OnePass() {
  if (state_->started_unix_ms == 0) state_->started_unix_ms = parts_.context.env.clock->NowUnixMs();
  RAWKV_ASSIGN_OR_RETURN(const bool complete, ScrubPass(parts_, *this, *state_).Run());
  if (!complete) return false;
  state_ =
      ScrubState{.pass = state_->pass + 1, .last_complete_unix_ms = parts_.context.env.clock->NowUnixMs()};
  Save(*state_);
  MutexLock lock(mu_);
  report_.complete = true;
  return true;
}

// A pass that was begun goes on at once, however long the one before it is over.
bool Scrubber::RestUntilDue(uint64_t rest_seconds) {
  if (state_->started_unix_ms != 0 || state_->last_complete_unix_ms == 0) return true;
  const uint64_t now = parts_.context.env.clock->NowUnixMs();
  const uint64_t rested = now - std::min(now, state_->last_complete_unix_ms);
  const uint64_t rest_ms = std::min(rest_seconds, kMaxRestSeconds) * 1000;
  if (rested >= rest_ms) return true;
  {
    MutexLock lock(mu_);
    report_.phase = "resting";
  }
  return throttle_.Rest(rest_ms - rested);
}

void Scrubber::Work(const std::optional<uint64_t>& rest_seconds) {
  Result<bool> outcome = OnePass();
  while (rest_seconds && outcome.ok() && *outcome) {
    outcome = RestUntilDue(*rest_seconds) ? OnePass() : Result<bool>(false);
  }
  Finish(outcome.status());
}

void Scrubber::Finish(const Status& outcome) {
  Save(*state_);
  MutexLock lock(mu_);
  report_.running = false;
  report_.stopped = outcome;
  ended_.NotifyAll();
}

Result<ScrubReport> Scrubber::Run(const ScrubOptions& options) {
  RAWKV_RETURN_IF_ERROR(Begin(options));
  Work({});
  ScrubReport done = report();
  if (!done.stopped.ok()) return done.stopped;
  return done;
}

Status Scrubber::Start(const ScrubOptions& options) {
  MutexLock lock(thread_mu_);
  RAWKV_RETURN_IF_ERROR(Begin(options));
  if (thread_.joinable()) thread_.join();  // of a run that has ended
  thread_ = std::thread([this, rest = options.rest_seconds, restart = options.restart] {
    const bool now = !rest || restart || RestUntilDue(*rest);
    if (!now) return Finish(Status::Ok());
    Work(rest);
    const ScrubReport done = report();
    if (done.stopped.ok()) return;
    parts_.context.env.logger->Log(
        LogLevel::kWarning,
        parts_.context.paths.dir + ": the scrub in the background ended early: " + done.stopped.ToString());
  });
  return Status::Ok();
}

ScrubReport Scrubber::Stop() {
  MutexLock thread_lock(thread_mu_);
  {
    // Under mu_, so that a run that is just beginning does not forget it.
    MutexLock lock(mu_);
    throttle_.Stop();
    while (report_.running) ended_.Wait(mu_);
  }
  if (thread_.joinable()) thread_.join();
  return report();
}

ScrubReport Scrubber::report() const {
  MutexLock lock(mu_);
  return report_;
}

void Scrubber::Fill(const ScrubState& state) {
  report_.pass = state.pass;
  report_.phase = ScrubPhaseName(state.phase);
  report_.bytes = state.bytes;
  report_.records = state.records;
  report_.snapshots = state.snapshots;
  report_.payloads = state.payloads;
  report_.findings_total = state.findings;
}

void Scrubber::Found(Finding finding) {
  parts_.context.env.logger->Log(LogLevel::kError, parts_.context.paths.dir +
                                                       ": scrub found damage: " + finding.kind + " " +
                                                       finding.where + ": " + finding.message);
  MutexLock lock(mu_);
  if (report_.findings.size() < kFindingsKept) report_.findings.push_back(std::move(finding));
}

void Scrubber::At(const ScrubState& state) {
  state_ = state;
  {
    MutexLock lock(mu_);
    Fill(state);
  }
  const uint64_t now = parts_.context.env.clock->MonotonicNs();
  if (now - saved_at_ns_ >= kSaveEveryNs || state.bytes - saved_at_bytes_ >= kSaveEveryBytes) {
    saved_at_ns_ = now;
    saved_at_bytes_ = state.bytes;
    Save(state);
  }
  if (progress_ && now - told_at_ns_ >= kTellEveryNs) {
    told_at_ns_ = now;
    progress_({"scrub, bytes", state.bytes, 0});
  }
}

void Scrubber::Save(const ScrubState& state) {
  const StoreContext& c = parts_.context;
  const Status saved = SaveScrubState(*c.env.fs, c.paths.scrub(), state, c.record.store_uuid);
  // Costs reading again at most; a full filesystem must not end a scrub.
  if (!saved.ok()) {
    c.env.logger->Log(LogLevel::kWarning, "the scrub's place is not kept: " + saved.message());
  }
}

}  // namespace rawkv
