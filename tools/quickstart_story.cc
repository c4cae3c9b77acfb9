#include "tools/quickstart_story.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/clock.h"
#include "engine/admin/inspect.h"
#include "tools/quickstart_git_history.h"
#include "tools/quickstart_process.h"
#include "tools/quickstart_survival.h"
#include "tools/quickstart_tree_history.h"
#include "tools/quickstart_worker.h"

namespace rawkv::quickstart {
namespace {

// Snapshots along the history, and how many stay: the newer half of it stays reachable version by
// version, and two pins reach further back.
constexpr uint64_t kSnapshots = 8;
constexpr uint64_t kSnapshotsKept = 4;
// Old versions that are compared whole: eight, or as many as make this many bytes, at least two.
constexpr uint64_t kOldReadsMin = 2;
constexpr uint64_t kOldReadsMax = 8;
constexpr uint64_t kOldReadBytes = 2ull << 30;
constexpr uint64_t kBytewiseKeys = 5;  // a version
// Besides the values: log segments, their zero-filled space, the ballast, the index.
constexpr uint64_t kRoomBytes = 512ull << 20;

uint64_t Now() {
  return SystemClock().MonotonicNs();
}

// The embedded default, in a store large enough for every version of the history at once.
FormatOptions SizedFormat(const HistorySize& size) {
  FormatOptions format;
  format.capacity_bytes = size.device_bytes * 3 / 2 + (256ull << 20);
  format.env.logger = &NullLogger();
  // A change set must fit a log segment; only a giant commit needs a larger one.
  const uint64_t needed = std::bit_ceil(2 * size.record_bytes_max);
  format.runtime.wal_segment_bytes = std::clamp(needed, format.runtime.wal_segment_bytes, uint64_t{1} << 30);
  return format;
}

}  // namespace

Status Story::Tell() {
  RAWKV_RETURN_IF_ERROR(LoadHistory());
  RAWKV_RETURN_IF_ERROR(MakeStore());
  RAWKV_RETURN_IF_ERROR(Replay());
  RAWKV_ASSIGN_OR_RETURN(engine_, Engine::Open(plan_.store, QuickstartOpenOptions()));
  RAWKV_RETURN_IF_ERROR(ReadOldVersions());
  RAWKV_RETURN_IF_ERROR(RollBack());
  RAWKV_RETURN_IF_ERROR(Check());
  report_.Result(*history_, all_, seed_);
  if (options_.keep) report_.Kept(plan_.store);
  return Status::Ok();
}

Status Story::LoadHistory() {
  progress_.Show("reading the history", 0, 1);
  const std::string& dir = options_.repository.empty() ? options_.source : options_.repository;
  const HistoryLimits limits{.steps = options_.commits_max};
  auto git = Git::Open(dir);
  Result<std::unique_ptr<History>> loaded = git.status().ok()
                                                ? GitHistory::Load(*std::move(git), limits)
                                                : Result<std::unique_ptr<History>>(git.status());
  if (loaded.status().code() == StatusCode::kNotFound) {
    const std::string why = loaded.status().message();
    loaded = TreeHistory::Load(dir, why, limits);
    if (loaded.status().code() == StatusCode::kNotFound) {
      return Status::InvalidArgument("nothing to replay: " + loaded.status().message() +
                                     " (and no git history: " + why + ")");
    }
  }
  if (!loaded.ok()) return loaded.status();
  history_ = *std::move(loaded);
  return Status::Ok();
}

Status Story::MakeStore() {
  FormatOptions defaults;
  const HistorySize size =
      Measure(*history_, {.slot_bytes = defaults.slot_bytes, .inline_bytes = defaults.inline_bytes});
  report_.History(*history_, size);
  if (size.operations_max > WriteBatch::kMaxOperations) {
    return Status::NotSupported("a " + history_->StepName() + " of this history changes " +
                                std::to_string(size.operations_max) + " files; a version takes at most " +
                                std::to_string(WriteBatch::kMaxOperations));
  }
  RAWKV_ASSIGN_OR_RETURN(work_, WorkDir::Make());
  if (options_.keep) work_->Keep();
  RAWKV_RETURN_IF_ERROR(work_->RequireRoom(size.device_bytes + 4 * size.record_bytes + kRoomBytes));
  FormatOptions format = SizedFormat(size);
  plan_ = {.history = history_.get(),
           .store = work_->store(),
           .spool_dir = work_->path(),
           .snapshot_steps = std::max<uint64_t>(history_->size() / kSnapshots, 1),
           .pins = {}};
  format.runtime.snapshot_interval = plan_.snapshot_steps;
  format.runtime.keep_recent = kSnapshotsKept;
  for (const uint64_t pin : {history_->size() / 10, history_->size() / 4}) {
    plan_.pins.push_back(std::max<uint64_t>(pin, 1));
  }
  return RunInWorker([&]() -> Status {
    const auto formatted = Engine::Format(plan_.store, format);
    if (!formatted.ok()) return formatted.status();
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, InspectStore(plan_.store, QuickstartOpenOptions()));
    report_.Store(plan_.store, info);
    return Status::Ok();
  });
}

Status Story::Replay() {
  RAWKV_ASSIGN_OR_RETURN(const ReplayResult replay, ReplayAndSurvive(plan_, random_, progress_));
  all_.Add(replay.compared);
  report_.Replay(*history_, replay);
  return Status::Ok();
}

Status Story::Compare(uint64_t number, Comparison* into) {
  progress_.Show("comparing version", number, history_->size());
  RAWKV_ASSIGN_OR_RETURN(*into, CompareAll(*engine_, nullptr, *history_, number));
  all_.Add(*into);
  return RequireEqual(*into);
}

Result<std::vector<uint64_t>> Story::ReachableVersions() {
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_->Info());
  std::vector<uint64_t> out;
  for (const auto& [first, last] : info.reachable) {
    for (uint64_t v = first.value(); v <= last.value(); ++v) out.push_back(v);
  }
  if (out.empty() || out.back() != history_->size()) {
    return Status::Corruption("the store does not say that its newest version is reachable");
  }
  return out;
}

// The oldest, the pinned, the newest but one, and random others.
std::vector<uint64_t> Story::Choose(const std::vector<uint64_t>& reachable) {
  const uint64_t affordable = kOldReadBytes / std::max<uint64_t>(tip_.value_bytes, 1);
  const uint64_t count =
      std::min<uint64_t>(std::clamp(affordable, kOldReadsMin, kOldReadsMax), reachable.size());
  std::vector<uint64_t> pool = reachable;
  std::shuffle(pool.begin(), pool.end(), random_);
  std::vector<uint64_t> first = plan_.pins;
  first.push_back(reachable.front());
  first.push_back(reachable[reachable.size() - std::min<size_t>(2, reachable.size())]);
  std::erase_if(first,
                [&](uint64_t v) { return !std::binary_search(reachable.begin(), reachable.end(), v); });
  pool.insert(pool.begin(), first.begin(), first.end());
  std::vector<uint64_t> out;
  for (const uint64_t v : pool) {
    if (out.size() < count && std::find(out.begin(), out.end(), v) == out.end()) out.push_back(v);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Each version carries the id of its commit.
Status Story::CheckMetadata(uint64_t number) {
  if (number == 0) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const CommitRecord record, engine_->GetCommit(Version(number)));
  if (record.metadata == history_->step(number).name) return Status::Ok();
  return Status::Corruption("version " + std::to_string(number) + " says that it is " + record.metadata +
                            ", not " + history_->step(number).name);
}

Status Story::ReadVersion(uint64_t number, Comparison* into) {
  progress_.Show("reading version", number, history_->size());
  RAWKV_ASSIGN_OR_RETURN(const auto view, engine_->OpenView(Version(number)));
  RAWKV_RETURN_IF_ERROR(CheckMetadata(number));
  RAWKV_ASSIGN_OR_RETURN(const Comparison whole, CompareAll(*engine_, view, *history_, number));
  RAWKV_ASSIGN_OR_RETURN(const Comparison some, CompareSome(*engine_, view.get(), *history_,
                                                            {.number = number, .keys = kBytewiseKeys}));
  into->Add(whole);
  into->Add(some);
  RAWKV_RETURN_IF_ERROR(RequireEqual(whole));
  return RequireEqual(some);
}

Result<uint64_t> Story::TryForgottenVersion(const std::vector<uint64_t>& reachable) {
  for (uint64_t v = 1; v < history_->size(); ++v) {
    if (std::binary_search(reachable.begin(), reachable.end(), v)) continue;
    const auto view = engine_->OpenView(Version(v));
    if (!view.ok() && view.status().code() == StatusCode::kVersionUnreachable) return v;
    return Status::Corruption("version " + std::to_string(v) + " is not reachable, but reading it " +
                              (view.ok() ? "was not refused" : "gave: " + view.status().ToString()));
  }
  return uint64_t{0};
}

Status Story::ReadOldVersions() {
  RAWKV_RETURN_IF_ERROR(Compare(history_->size(), &tip_));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_->Info());
  report_.Snapshots(info);
  RAWKV_ASSIGN_OR_RETURN(const auto reachable, ReachableVersions());
  Report::Reads reads;
  reads.versions = Choose(reachable);
  reads.reachable = reachable.size();
  const uint64_t begin_ns = Now();
  for (const uint64_t number : reads.versions) RAWKV_RETURN_IF_ERROR(ReadVersion(number, &reads.compared));
  reads.wall_ns = Now() - begin_ns;
  RAWKV_ASSIGN_OR_RETURN(reads.refused, TryForgottenVersion(reachable));
  all_.Add(reads.compared);
  report_.OldVersions(*history_, reads);
  return Status::Ok();
}

Status Story::RollBack() {
  RAWKV_ASSIGN_OR_RETURN(auto reachable, ReachableVersions());
  reachable.pop_back();  // back from the tip
  if (reachable.empty()) return Status::Corruption("no version but the newest is reachable");
  Report::RolledBack out;
  out.from = history_->size();
  out.to = reachable[random_() % reachable.size()];
  progress_.Show("rolling back to", out.to, out.from);
  const uint64_t begin_ns = Now();
  RAWKV_RETURN_IF_ERROR(engine_->Rollback(Version(out.to), {.drop_pins = true}));
  out.rollback_ns = Now() - begin_ns;
  if (engine_->version() != Version(out.to)) {
    return Status::Corruption("rolled back to " + std::to_string(out.to) + ", but the tip is " +
                              ToString(engine_->version()));
  }
  RAWKV_RETURN_IF_ERROR(Compare(out.to, &out.at_target));
  RAWKV_RETURN_IF_ERROR(CommitAgain(&out));
  report_.Rollback(*history_, out);
  return Status::Ok();
}

Status Story::CommitAgain(Report::RolledBack* into) {
  const ReplayObserver observer = {.on_begin =
                                       [this](uint64_t number) {
                                         progress_.Show("committing again", number, history_->size());
                                         return Status::Ok();
                                       },
                                   .on_committed = [](uint64_t, uint64_t) { return Status::Ok(); }};
  RAWKV_RETURN_IF_ERROR(ReplaySteps(*engine_, plan_, into->to + 1, observer));
  return Compare(history_->size(), &into->at_tip);
}

Status Story::Check() {
  Report::Checked out;
  RAWKV_RETURN_IF_ERROR(engine_->Close());
  engine_.reset();
  const uint64_t reopen_ns = Now();
  RAWKV_ASSIGN_OR_RETURN(engine_, Engine::Open(plan_.store, QuickstartOpenOptions()));
  out.reopen_ns = Now() - reopen_ns;
  RAWKV_RETURN_IF_ERROR(Compare(history_->size(), &tip_));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_->Info());
  RAWKV_RETURN_IF_ERROR(engine_->Close());
  engine_.reset();

  const uint64_t check_ns = Now();
  OpenOptions options = QuickstartOpenOptions();
  options.progress = [this](const Progress& p) { progress_.Show(p.what, p.done, p.total); };
  RAWKV_ASSIGN_OR_RETURN(const CheckReport report, CheckStore(plan_.store, {.deep = true}, options));
  out.check_ns = Now() - check_ns;
  out.notes = report.notes.size();
  if (!report.ok()) {
    const Finding& first = report.findings.front();
    return Status::Corruption(first.where + ": " + first.message).WithContext("the deep check found damage");
  }
  RAWKV_ASSIGN_OR_RETURN(const auto verdicts,
                         VerifySnapshots(plan_.store, std::nullopt, QuickstartOpenOptions()));
  for (const SnapshotVerdict& verdict : verdicts) {
    if (!verdict.errors.empty()) return Status::Corruption(verdict.errors.front()).WithContext("a snapshot");
  }
  out.snapshots = verdicts.size();
  report_.Check(out);
  report_.Space(info, tip_, MeasureDiskUse(plan_.store, info.device_path));
  return Status::Ok();
}

}  // namespace rawkv::quickstart
