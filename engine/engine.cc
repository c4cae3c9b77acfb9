#include "engine/engine.h"

#include "base/exception_status.h"
#include "engine/admin/describe.h"
#include "engine/device/grow.h"
#include "engine/device/trim.h"
#include "engine/engine_impl.h"
#include "engine/format/format_store.h"
#include "engine/perform_request.h"
#include "engine/read/engine_iterator.h"
#include "engine/read/history.h"
#include "engine/read/reader.h"
#include "engine/recovery/replay_estimate.h"
#include "engine/transfer/exporter.h"

namespace rawkv {

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() {
  // A forked process lacks the threads that a close must end first, and must leave every write to its parent.
  if (impl_->process.forked()) {
    (void)impl_.release();
  } else {
    impl_->control.reset();  // a request uses this object
  }
}

Result<FormatResult> Engine::Format(const std::string& dir, const FormatOptions& options) try {
  return FormatStore(dir, options);
} catch (...) {
  return StatusOfException();
}

Result<std::unique_ptr<Engine>> Engine::Open(const std::string& dir, const OpenOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<Impl> impl, Impl::Open(dir, options));
  std::unique_ptr<Engine> engine(new Engine(std::move(impl)));
  if (!options.read_only && options.serve_requests) {
    engine->impl_->StartControl(
        [self = engine.get(), serve = options.serve_program](const ControlRequest& request) {
          return PerformRequest(*self, request, serve);
        });
  }
  return engine;
} catch (...) {
  return StatusOfException();
}

Status Engine::Close() {
  return NoThrow([this] { return impl_->Close(); });
}

CommitResult Engine::Commit(const WriteBatch& batch, const CommitOptions& options) try {
  const Result<OperationGate::Pass> pass = impl_->EnterToCommit();
  if (!pass.ok()) return {.status = pass.status(), .outcome = CommitOutcome::kNotApplied, .version = {}};
  return impl_->pipeline->Commit(batch, options);
} catch (...) {
  return {.status = StatusOfException(), .outcome = CommitOutcome::kNotApplied, .version = {}};
}

Status Engine::Sync() try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->pipeline->Sync();
} catch (...) {
  return StatusOfException();
}

Status Engine::Refresh() {
  return NoThrow([this] { return impl_->Refresh(); });
}

Version Engine::version() const {
  if (impl_->process.forked()) return Version();  // Get could wait for ever for a commit of the parent
  return impl_->core.tip.Get();
}
Version Engine::durable_version() const {
  return Version(impl_->core.durable.load());
}

namespace {

// Runs `fn` with a Reader of the view or of the tip, inside an epoch: no slot that `fn` finds is reused
// before it has finished.
template <typename T, typename Impl, typename Fn, typename Fail>
T ReadWith(Impl& impl, const ReadOptions& options, const Fn& fn, const Fail& fail) {
  const Status usable = impl.CheckProcess();
  if (!usable.ok()) return fail(usable);
  const ReaderEpochs::Guard guard(impl.epochs);
  const Status readable = impl.CheckReadable();
  if (!readable.ok()) return fail(readable);
  impl.counters.gets.fetch_add(1, std::memory_order_relaxed);
  if (options.view == nullptr) {
    Reader reader(*impl.core.index, *impl.core.payload, impl.core.values.get());
    return fn(reader);
  }
  const auto* view = static_cast<const EngineView*>(options.view);
  Reader reader(view->index(), *impl.core.payload, view->point().get());
  return fn(reader);
}

// The error as the result of each key. Empty if there is no memory for the results.
template <typename T>
std::vector<T> MakeErrorResults(size_t keys, const T& error) noexcept try {
  return std::vector<T>(keys, error);
} catch (...) {
  return {};
}

}  // namespace

Result<Value> Engine::Get(std::string_view key, const ReadOptions& options) try {
  using R = Result<Value>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.Get(key); }, [](const Status& s) { return R(s); });
} catch (...) {
  return StatusOfException();
}

Result<uint64_t> Engine::GetInto(std::string_view key, Bytes out, const ReadOptions& options) try {
  using R = Result<uint64_t>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.GetInto(key, out); }, [](const Status& s) { return R(s); });
} catch (...) {
  return StatusOfException();
}

Result<uint64_t> Engine::GetRange(std::string_view key, uint64_t offset, Bytes out,
                                  const ReadOptions& options) try {
  using R = Result<uint64_t>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.GetRange(key, offset, out); },
      [](const Status& s) { return R(s); });
} catch (...) {
  return StatusOfException();
}

std::vector<Result<Value>> Engine::MultiGet(std::span<const std::string_view> keys,
                                            const ReadOptions& options) try {
  using R = std::vector<Result<Value>>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.MultiGet(keys); },
      [&](const Status& s) { return R(keys.size(), Result<Value>(s)); });
} catch (...) {
  return MakeErrorResults(keys.size(), Result<Value>(StatusOfException()));
}

std::vector<SessionAnswer> Engine::MultiGetInto(std::span<const SessionRead> reads,
                                                const ReadOptions& options) try {
  using R = std::vector<SessionAnswer>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.MultiGetInto(reads); },
      [&](const Status& s) {
        return R(reads.size(), SessionAnswer{.status = s, .bytes = 0, .written_by = {}});
      });
} catch (...) {
  return MakeErrorResults(reads.size(),
                          SessionAnswer{.status = StatusOfException(), .bytes = 0, .written_by = {}});
}

Result<bool> Engine::Exists(std::string_view key, const ReadOptions& options) try {
  using R = Result<bool>;
  return ReadWith<R>(
      *impl_, options, [&](Reader& r) { return r.Exists(key); }, [](const Status& s) { return R(s); });
} catch (...) {
  return StatusOfException();
}

Result<std::unique_ptr<Session>> Engine::OpenSession(const SessionOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckReadable());
  return impl_->sessions->Open(options);
} catch (...) {
  return StatusOfException();
}

Result<std::shared_ptr<const ReadView>> Engine::OpenView(std::optional<Version> version) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckReadable());
  RAWKV_ASSIGN_OR_RETURN(std::shared_ptr<const EngineView> view, impl_->OpenView(version, "view"));
  return std::shared_ptr<const ReadView>(std::move(view));
} catch (...) {
  return StatusOfException();
}

Result<std::unique_ptr<Iterator>> Engine::NewIterator(const IteratorOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckReadable());
  if (options.read_ahead_bytes > kMaxReadAheadBytes) {
    return Status::InvalidArgument("read_ahead_bytes is " + std::to_string(options.read_ahead_bytes) +
                                   ", the limit is " + std::to_string(kMaxReadAheadBytes));
  }
  auto view = std::static_pointer_cast<const EngineView>(options.view);
  if (view == nullptr) {
    RAWKV_ASSIGN_OR_RETURN(view, impl_->OpenView(std::nullopt, "view"));
  }
  return NewEngineIterator(std::move(view), NarrowBounds(options.lower, options.upper, options.prefix),
                           *impl_->core.payload, options.read_ahead_bytes);
} catch (...) {
  return StatusOfException();
}

Result<ReplayEstimate> Engine::EstimateView(Version version) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToRead());
  return impl_->Look<ReplayEstimate>([&] { return impl_->maintenance->EstimateView(version); });
} catch (...) {
  return StatusOfException();
}

Result<CommitRecord> Engine::GetCommit(Version version) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToRead());
  // A view may hold a version that neither the log nor a snapshot holds any more.
  if (std::optional<CommitRecord> held = impl_->views.CommitOf(version)) return *std::move(held);
  return impl_->Look<CommitRecord>([&] {
    return impl_->maintenance->RunAlongside([&](Sight) { return FindCommit(impl_->history(), version); });
  });
} catch (...) {
  return StatusOfException();
}

Status Engine::ReadHistory(const HistoryOptions& options, const HistoryFn& fn) try {
  for (HistoryOptions rest = options;;) {
    RAWKV_ASSIGN_OR_RETURN(const HistoryPage page, impl_->ReadHistoryPage(rest));
    for (const HistoryEntry& entry : page.entries) RAWKV_RETURN_IF_ERROR(fn(entry));
    if (!page.next_to) return Status::Ok();
    rest.to = page.next_to;
    if (rest.limit != 0) rest.limit -= page.entries.size();
  }
} catch (...) {
  return StatusOfException();
}

Status Engine::Diff(const DiffOptions& options, const DiffFn& fn) try {
  const bool forward = options.from <= options.to;
  const DiffRange range{std::min(options.from, options.to), std::max(options.from, options.to),
                        NarrowBounds(options.lower, options.upper, options.prefix)};
  const auto report = [&](KeyDifference difference) {
    if (!forward) std::swap(difference.from, difference.to);
    return fn(difference);
  };
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Differences> found,
                         impl_->CollectDifferences(range, options.way));
  const uint64_t limit = options.limit != 0 ? options.limit : UINT64_MAX;
  if (found) {
    for (size_t i = 0; i < std::min<uint64_t>(found->size(), limit); ++i) {
      RAWKV_RETURN_IF_ERROR(report((*found)[i]));
    }
    return Status::Ok();
  }
  if (options.way == DiffWay::kUndo || options.way == DiffWay::kLog) {
    return Status::FailedPrecondition("that way does not lead to versions " + ToString(range.older) +
                                      " and " + ToString(range.newer));
  }
  RAWKV_ASSIGN_OR_RETURN(const auto older, impl_->OpenView(range.older, "view"));
  RAWKV_ASSIGN_OR_RETURN(const auto newer, impl_->OpenView(range.newer, "view"));
  return range.bounds.empty ? Status::Ok() : DiffByComparison(*older, *newer, range.bounds, limit, report);
} catch (...) {
  return StatusOfException();
}

Result<Version> Engine::FindVersionAt(uint64_t unix_ms) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToRead());
  return impl_->Look<Version>([&] {
    return impl_->maintenance->RunAlongside(
        [&](Sight) { return rawkv::FindVersionAt(impl_->history(), unix_ms); });
  });
} catch (...) {
  return StatusOfException();
}

Result<Version> Engine::CreateSnapshot() try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->CreateSnapshot();
} catch (...) {
  return StatusOfException();
}

Status Engine::DeleteSnapshot(Version version) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->DeleteSnapshot(version);
} catch (...) {
  return StatusOfException();
}

Result<std::vector<Version>> Engine::Prune(std::optional<uint64_t> keep) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->Prune(keep);
} catch (...) {
  return StatusOfException();
}

Result<Version> Engine::Pin(const std::string& name, std::optional<Version> version) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->Pin(name, version);
} catch (...) {
  return StatusOfException();
}

Status Engine::Unpin(const std::string& name) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->Unpin(name);
} catch (...) {
  return StatusOfException();
}

Result<RuntimeSettings> Engine::ChangeSettings(const SettingsChange& change) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->KeepSettings(change);
} catch (...) {
  return StatusOfException();
}

Status Engine::AcknowledgeGivenUp() try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->AcknowledgeGivenUp();
} catch (...) {
  return StatusOfException();
}

Result<RollbackPlan> Engine::PlanRollback(Version target, const RollbackOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  RAWKV_ASSIGN_OR_RETURN(RollbackPlan plan, impl_->maintenance->PlanRollback(target, options));
  RAWKV_ASSIGN_OR_RETURN(plan.estimate, EstimateReplay(*impl_->context, plan));
  return plan;
} catch (...) {
  return StatusOfException();
}

Status Engine::Rollback(Version target, const RollbackOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->Rollback(target, options);
} catch (...) {
  return StatusOfException();
}

Status Engine::Export(const ExportOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckReadable());
  RAWKV_ASSIGN_OR_RETURN(const std::shared_ptr<const EngineView> view,
                         impl_->OpenView(options.version, "export"));
  return ExportView(*impl_->context, *view, *impl_->core.payload, options);
} catch (...) {
  return StatusOfException();
}

Result<ScrubReport> Engine::Scrub(const ScrubOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->scrubber->Run(options);
} catch (...) {
  return StatusOfException();
}

Status Engine::StartScrub(const ScrubOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckWritable());
  return impl_->scrubber->Start(options);
} catch (...) {
  return StatusOfException();
}

namespace {

// The report of a scrubber that cannot be used.
ScrubReport MakeErrorReport(const Status& error) {
  ScrubReport report;
  report.stopped = error;
  return report;
}

}  // namespace

ScrubReport Engine::StopScrub() try {
  if (impl_->process.forked()) return MakeErrorReport(impl_->CheckProcess());
  return impl_->scrubber == nullptr ? ScrubReport{} : impl_->scrubber->Stop();
} catch (...) {
  return MakeErrorReport(StatusOfException());
}

ScrubReport Engine::scrub_report() const try {
  if (impl_->process.forked()) return MakeErrorReport(impl_->CheckProcess());
  return impl_->scrubber == nullptr ? ScrubReport{} : impl_->scrubber->report();
} catch (...) {
  return MakeErrorReport(StatusOfException());
}

Result<TrimReport> Engine::TrimDevice(const TrimOptions& options) try {
  RAWKV_RETURN_IF_ERROR(impl_->CheckWritable());
  return TrimFreeSlots({.context = *impl_->context,
                        .core = impl_->core,
                        .poison = impl_->poison,
                        .enter = [this] { return impl_->EnterToWrite(); }},
                       options);
} catch (...) {
  return StatusOfException();
}

Result<GrowReport> Engine::GrowDevice(const GrowOptions& options) try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  return impl_->maintenance->RunWhileQuiet([&] {
    return rawkv::GrowDevice({.context = *impl_->context, .core = impl_->core, .poison = impl_->poison},
                             options);
  });
} catch (...) {
  return StatusOfException();
}

Result<Version> Engine::WriteCheckpoint() try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToWrite());
  if (impl_->checkpointer != nullptr) return impl_->checkpointer->Write();
  return Status::FailedPrecondition(impl_->context->paths.dir +
                                    ": the store makes no checkpoints; export it, and import it into a store "
                                    "that is formatted with --meta_total_bytes");
} catch (...) {
  return StatusOfException();
}

Result<EngineInfo> Engine::Info() try {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, impl_->EnterToRead());
  const auto describe = [this](Sight sight) -> Result<EngineInfo> {
    RAWKV_ASSIGN_OR_RETURN(const Retained now, impl_->maintenance->SurveyRetained());
    RAWKV_ASSIGN_OR_RETURN(EngineInfo info, DescribeOpenStore(*impl_->context, impl_->core, impl_->poison,
                                                              now.survey, now.reach));
    info.settings = impl_->maintenance->settings();
    if (sight == Sight::kQuiet) return info;
    RAWKV_ASSIGN_OR_RETURN(const Retained after, impl_->maintenance->SurveyRetained());
    if (now.IsUnchanged(after)) return info;
    return Status::Busy("snapshots changed while the store was described");
  };
  return impl_->Look<EngineInfo>([&] { return impl_->maintenance->RunAlongside(describe); });
} catch (...) {
  return StatusOfException();
}

EngineStats Engine::stats() const {
  return impl_->Stats();
}

}  // namespace rawkv
