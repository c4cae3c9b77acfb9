#include "engine/engine_impl.h"

#include <algorithm>
#include <utility>

#include "base/exception_status.h"
#include "engine/admin/describe.h"
#include "engine/device/available_slots.h"
#include "engine/recovery/leased_view.h"
#include "engine/recovery/recovery.h"
#include "engine/store/store_dir.h"

namespace rawkv {
namespace {

// A close flushes the index from this memtable size on. Replaying less is faster than writing it.
constexpr uint64_t kCloseFlushBytes = 4ull << 20;

uint64_t LogBytesFrom(Core& core, Version version) {
  const WriteRight write(core);
  return core.wal->BytesFrom(version);
}

}  // namespace

Engine::Impl::Impl(const OpenOptions& options) {
  if (options.value_cache_bytes != 0) core.values = std::make_unique<ValueCache>(options.value_cache_bytes);
}

Result<std::unique_ptr<Engine::Impl>> Engine::Impl::Open(const std::string& dir, const OpenOptions& options) {
  RAWKV_RETURN_IF_ERROR(KeyIndex::CheckProcess().WithContext("opening " + dir));  // before it starts threads
  RAWKV_ASSIGN_OR_RETURN(const std::string store_dir, ResolveStoreDir(*options.env.fs, dir));
  std::unique_ptr<Impl> impl(new Impl(options));
  Impl* const self = impl.get();
  const auto open_context = [&](ContextAccess access) -> Status {
    RAWKV_ASSIGN_OR_RETURN(self->context, OpenStoreContext(store_dir, options, access));
    return Status::Ok();
  };
  if (options.read_only) {
    RAWKV_RETURN_IF_ERROR(RetryWhileChanging(*options.env.fs, store_dir, options.lock_wait_ms,
                                             [&] { return open_context(ContextAccess::kRead); }));
    RAWKV_RETURN_IF_ERROR(self->ReadNewestOrLock());
  } else {
    RAWKV_RETURN_IF_ERROR(open_context(ContextAccess::kWrite));
    self->context->options.progress = [self, report = options.progress](const Progress& progress) {
      {
        MutexLock lock(self->progress_mu_);
        self->replay_ = {.what = progress.what, .done = progress.done, .total = progress.total};
      }
      if (report) report(progress);
    };
    self->status_ =
        std::make_unique<StatusPublisher>(*self->context, [self] { return self->DescribeSelf(); });
    self->status_->Start();
    RAWKV_RETURN_IF_ERROR(Recover(*self->context, self->core));
  }
  StoreContext& c = *self->context;
  Version current;
  uint64_t log_bytes = 0;
  if (!options.read_only) {
    RAWKV_ASSIGN_OR_RETURN(current, c.snapshots->Current());
    log_bytes = LogBytesFrom(self->core, Next(current));
  }
  self->maintenance = std::make_unique<Maintenance>(c, self->core, self->poison, self->epochs, self->views,
                                                    self->counters, log_bytes);
  if (options.read_only) {
    self->sessions = self->MakeSessionHub();
    return impl;
  }
  self->automatic_ = std::make_unique<AutomaticSnapshots>(
      AutomaticSnapshots::Parts{.context = c,
                                .core = self->core,
                                .poison = self->poison,
                                .counters = self->counters,
                                .maintenance = *self->maintenance,
                                .enter = [self] { return self->EnterToWrite(); }});
  self->pipeline = std::make_unique<CommitPipeline>(
      c, self->core, self->poison, self->counters,
      CommitPipeline::Hooks{
          .make_space = {[self] { return self->maintenance->ReclaimSpace(); },
                         [self] { return self->maintenance->MakeSpace(); },
                         [self] { return self->LetGoOfCheckpoints(); }},
          .next_height = [self] { return self->automatic_->NextHeight(); },
          .at_height = [self](Version height)
                           RAWKV_NO_THREAD_SAFETY_ANALYSIS { self->automatic_->AtHeight(height); },
          .committed = [self] { self->automatic_->AfterCommit(); }});
  RAWKV_RETURN_IF_ERROR(self->pipeline->Start());
  self->sessions = self->MakeSessionHub();
  RAWKV_RETURN_IF_ERROR(self->automatic_->Start(current));
  self->scrubber =
      std::make_unique<Scrubber>(ScrubParts{.context = c,
                                            .core = self->core,
                                            .maintenance = *self->maintenance,
                                            .gate = self->gate,
                                            .epochs = self->epochs,
                                            .readable = [self] { return self->CheckReadable(); }});
  self->StartScrubOfOpen();
  self->StartCheckpoints();
  self->ForgetReplay();
  self->ready_ = true;
  self->status_->Publish();
  return impl;
}

void Engine::Impl::StartScrubOfOpen() {
  const OpenOptions& options = context->options;
  if (!options.scrub_bytes_per_second) return;
  const Status started = scrubber->Start(
      {.bytes_per_second = *options.scrub_bytes_per_second, .rest_seconds = options.scrub_rest_seconds});
  if (started.ok()) return;
  // The store works without a scrub.
  context->env.logger->Log(
      LogLevel::kWarning,
      context->paths.dir + ": the scrub in the background cannot start: " + started.ToString());
}

void Engine::Impl::StartCheckpoints() {
  if (context->checkpoints == nullptr) return;
  checkpointer =
      std::make_unique<Checkpointer>(Checkpointer::Parts{.context = *context,
                                                         .core = core,
                                                         .poison = poison,
                                                         .counters = counters,
                                                         .views = views,
                                                         .enter = [this] { return EnterToWrite(); }});
  checkpointer->Start();
}

Status Engine::Impl::LetGoOfCheckpoints() {
  if (checkpointer == nullptr) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(checkpointer->LetGoOfHistory());
  return maintenance->ReclaimSpace();
}

void Engine::Impl::WriteCheckpointForClose() {
  // Its error is in the log. Everything is durable without it.
  if (checkpointer != nullptr) (void)NoThrow([this] { return checkpointer->Write(); });
}

std::unique_ptr<SessionHub> Engine::Impl::MakeSessionHub() {
  return std::make_unique<SessionHub>(SessionParts{.context = *context,
                                                   .core = core,
                                                   .poison = poison,
                                                   .counters = counters,
                                                   .epochs = epochs,
                                                   .pipeline = pipeline.get(),
                                                   .rollbacks = rollbacks,
                                                   .readable = [this] { return CheckReadable(); },
                                                   .writable = [this] { return CheckWritable(); },
                                                   .enter_to_commit = [this] { return EnterToCommit(); },
                                                   .enter_to_write = [this] { return EnterToWrite(); }});
}

Status Engine::Impl::ReadNewest() {
  StoreContext& c = *context;
  NewestView newest;
  bool failed_before = false;
  std::unique_ptr<Lease> opening;
  const Status opened = RetryWhileChanging(*c.env.fs, c.paths.dir, c.options.lock_wait_ms, [&]() -> Status {
    if (std::exchange(failed_before, true) && opening == nullptr) opening = HoldBackPrunes(c);
    RAWKV_ASSIGN_OR_RETURN(newest, OpenNewestView(c, views));
    return Status::Ok();
  });
  if (opening != nullptr) (void)opening->Remove();  // otherwise the next prune or open sweeps it
  RAWKV_RETURN_IF_ERROR(opened);
  if (core.payload == nullptr) {
    core.payload = std::make_unique<PayloadIo>(*c.device.device, c.layout(), c.identity.device_uuid);
  }
  core.payload->GrowTo(c.layout().slot_count);
  epochs.Close();
  if (core.values != nullptr) core.values->Clear();
  core.index = newest.view->shared_index();
  core.tip.Reset(newest.view->version());
  core.durable = newest.durable.value();
  read_only_tip_.swap(newest.view);
  epochs.Reopen();
  return Status::Ok();
}

Status Engine::Impl::ReadNewestOrLock() {
  const Status read = ReadNewest();
  if (read.code() != StatusCode::kNoSpace && read.code() != StatusCode::kIoError) return read;
  StoreContext& c = *context;
  Result<std::unique_ptr<StoreLock>> lock = StoreLock::Acquire(
      *c.env.fs, *c.env.clock, c.paths.dir, StoreLock::Holder::kReader, c.options.lock_wait_ms);
  if (!lock.ok()) {
    if (read.code() != StatusCode::kNoSpace) return read;  // it need not come from the lease
    return Status(read.code(), read.message() +
                                   "; without room for a lease below views/, a store can be read "
                                   "only while no other process has it open (" +
                                   lock.status().message() + ")");
  }
  c.lock = *std::move(lock);
  return ReadNewest();
}

Status Engine::Impl::Refresh() {
  MutexLock one_at_a_time(refresh_mu_);
  RAWKV_RETURN_IF_ERROR(CheckReadable());
  return context->options.read_only ? ReadNewest() : Status::Ok();
}

Engine::Impl::~Impl() {
  // After an open that failed there is nothing to sync: Close syncs only a store that was opened.
  if (context != nullptr) (void)NoThrow([this] { return Close(); });
}

Status Engine::Impl::CheckProcess() const {
  if (!process.forked()) return Status::Ok();
  return Status::FailedPrecondition("the store was opened by process " + std::to_string(process.owner()) +
                                    ", and a process forked from it cannot use it; open it in a program "
                                    "started with exec once process " +
                                    std::to_string(process.owner()) + " has closed it");
}

Status Engine::Impl::CheckReadable() const {
  RAWKV_RETURN_IF_ERROR(CheckProcess());
  if (closed_.load()) return Status::FailedPrecondition("the store is closed");
  if (unusable_.load()) {
    return Status::Poisoned("the store could not be recovered after a rollback; close and reopen it");
  }
  return Status::Ok();
}

Status Engine::Impl::CheckWritable() const {
  RAWKV_RETURN_IF_ERROR(CheckReadable());
  if (context->options.read_only) return Status::FailedPrecondition("the store is open for reading only");
  return Status::Ok();
}

Result<OperationGate::Pass> Engine::Impl::EnterToRead() {
  RAWKV_RETURN_IF_ERROR(CheckReadable());
  RAWKV_ASSIGN_OR_RETURN(OperationGate::Pass pass, gate.Enter());
  RAWKV_RETURN_IF_ERROR(CheckReadable());  // a rollback may have made the store unusable meanwhile
  return pass;
}

Result<OperationGate::Pass> Engine::Impl::EnterToWrite() {
  RAWKV_RETURN_IF_ERROR(CheckWritable());
  return EnterToRead();
}

Result<OperationGate::Pass> Engine::Impl::EnterToCommit() {
  RAWKV_RETURN_IF_ERROR(CheckWritable());
  Result<OperationGate::Pass> pass = gate.EnterUnlessShut();
  if (!pass.ok()) return pass.status().WithContext("commit not applied");
  return pass;
}

Result<HistoryPage> Engine::Impl::ReadHistoryPage(const HistoryOptions& options) {
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, EnterToRead());
  return Look<HistoryPage>([&] {
    return maintenance->RunAlongside([&](Sight) { return rawkv::ReadHistoryPage(history(), options); });
  });
}

Result<std::optional<Differences>> Engine::Impl::CollectDifferences(const DiffRange& range, DiffWay way) {
  using Collected = std::optional<Differences>;
  if (way == DiffWay::kComparison) return Collected();
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, EnterToRead());
  const auto collect = [&](Sight) -> Result<Collected> {
    if (way != DiffWay::kLog) {
      RAWKV_ASSIGN_OR_RETURN(Collected found, DiffByUndo(history(), range));
      if (found || way == DiffWay::kUndo) return found;
    }
    return DiffByLog(history(), range);
  };
  return Look<Collected>([&] { return maintenance->RunAlongside(collect); });
}

Result<std::shared_ptr<const EngineView>> Engine::Impl::OpenView(std::optional<Version> version,
                                                                 const char* kind) {
  {
    const ReaderEpochs::Guard guard(epochs);  // keeps a rollback from replacing the index meanwhile
    RAWKV_RETURN_IF_ERROR(CheckReadable());
    // The view of a read-only engine's tip keeps the lease, so everybody shares it.
    if (read_only_tip_ != nullptr && (!version || *version == read_only_tip_->version()))
      return read_only_tip_;
    if (!version || *version == core.tip.Get()) {
      RAWKV_ASSIGN_OR_RETURN(std::shared_ptr<const EngineView> tip, views.OpenTip(core.index, kind));
      if (!version || tip->version() == *version) return tip;
      // A commit came in between: the version is not the tip any more.
    }
  }
  RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, EnterToRead());
  return Look<std::shared_ptr<const EngineView>>([&] { return maintenance->OpenClone(*version, kind); });
}

EngineStats Engine::Impl::Stats() const {
  const EngineCounters& n = counters;
  const uint64_t groups = n.groups.load();  // before the commits
  EngineStats out{.commits = n.commits.load(),
                  .groups = groups,
                  .user_bytes_written = n.user_bytes_written.load(),
                  .log_bytes_written = n.log_bytes_written.load(),
                  .gets = n.gets.load(),
                  .snapshots_made = n.snapshots_made.load(),
                  .slots_reclaimed = n.slots_reclaimed.load(),
                  .versions_given_up = n.versions_given_up.load(),
                  .index_flushes = n.index_flushes.load(),
                  .checkpoints_written = n.checkpoints_written.load(),
                  .checkpoints_failed = n.checkpoints_failed.load(),
                  .views_built = n.views_built.load(),
                  .views_shared = n.views_shared.load(),
                  .replay_bytes_per_second = context->replay_rate.bytes_per_second()};
  if (core.values != nullptr) {
    const ValueCache::Stats values = core.values->stats();
    out.value_cache_hits = values.hits;
    out.value_cache_misses = values.misses;
    out.value_cache_bytes = values.bytes;
  }
  if (context->device.device != nullptr) {
    const DeviceCounters d = context->device.device->counters();
    out.device_bytes_written = d.written_bytes;
    out.device_bytes_read = d.read_bytes;
    out.device_flushes = d.flushes;
  }
  return out;
}

WriterStatus Engine::Impl::DescribeSelf() {
  const StoreContext& c = *context;
  WriterStatus s;
  s.engine_requested = IoEngineName(c.options.engine);
  s.engine_used = IoEngineName(c.device.used);
  s.engine_reason = c.device.reason;
  s.durability = c.runtime.durability;
  s.stats = Stats();
  s.health = "ok";
  const auto add_replay = [&] {
    MutexLock lock(progress_mu_);
    if (!replay_.what.empty()) s.activities.push_back(replay_);
  };
  if (!ready_) {
    s.state = "opening";
    add_replay();
    return s;
  }
  const Status health = FindHealth(c, poison);
  if (!health.ok()) s.health = health.ToString();
  s.version = core.tip.Get();
  s.durable_version = std::min(Version(core.durable.load()), s.version);
  const Result<OperationGate::Pass> pass = gate.EnterUnlessShut();  // keeps the allocator there
  s.state = unusable_ ? "unusable" : pass.ok() ? "open" : "rolling back";
  if (unusable_) return s;
  if (!pass.ok()) {
    add_replay();
    return s;
  }
  s.slots_total = core.allocator->total_slots();
  s.slots_free = core.allocator->free_slots();
  const Result<uint64_t> available = NoThrow([&]() -> Result<uint64_t> {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<VersionHold> holds, maintenance->SurveyHolds());
    return CountAvailableSlots(*core.index, holds, s.slots_total, core.allocator->reserved_slots());
  });
  s.slots_available = std::max(available.ok() ? *available : 0, s.slots_free);
  if (c.checkpoints != nullptr) s.checkpoint_error = c.checkpoints->Describe().error;
  if (counters.snapshot_under_way) s.activities.push_back({.what = "snapshot"});
  const ScrubReport scrub = scrubber->report();
  if (scrub.running) s.activities.push_back({.what = "scrub", .done = scrub.bytes});
  return s;
}

void Engine::Impl::StartControl(std::function<ControlReply(const ControlRequest&)> perform) {
  control = std::make_unique<ControlServer>(context->paths.lock(), *context->env.logger, std::move(perform));
  LogUnserved(control->Start());
}

void Engine::Impl::LogUnserved(const Status& started) {
  // A simulated filesystem has no file LOCK that another process could see.
  if (started.ok() || started.code() == StatusCode::kNotFound) return;
  context->env.logger->Log(LogLevel::kWarning,
                           context->paths.dir +
                               ": rawkv-ctl cannot ask this process to pin, prune or change "
                               "settings: " +
                               started.ToString());
}

Status Engine::Impl::SyncForClose() {
  const WriteRight write(core);
  RAWKV_RETURN_IF_ERROR(SyncAll(*context, core));
  // Without its undo records, a version is not undone, but replayed from a snapshot.
  const Result<bool> must_flush = WriteUndoAbove(core, Version());
  if (core.index->MemtableBytes() >= kCloseFlushBytes || (must_flush.ok() && *must_flush)) {
    // The next open replays what a lack of room or descriptors keeps from being flushed.
    Status flushed = StartIndexFlush(core);
    if (flushed.ok()) flushed = core.index->WaitFlush();
    if (!flushed.lacks_resource()) RAWKV_RETURN_IF_ERROR(flushed);
  }
  // Without room in the log, the store closes without a watermark, and the next open verifies more payload.
  const Status space = core.wal->PrepareSpace(Wal::kWatermarkBytes);
  if (space.ok()) {
    RAWKV_RETURN_IF_ERROR(core.wal->AppendWatermark(context->lineage(), core.tip.Get()));
    RAWKV_RETURN_IF_ERROR(core.wal->Sync());
  } else if (!space.lacks_resource()) {
    return space;
  }
  return RecordClose(*context, core.tip.Get());
}

Status Engine::Impl::Close() {
  RAWKV_RETURN_IF_ERROR(CheckProcess());
  if (closed_.load()) return Status::Ok();
  if (control != nullptr) control->Stop();          // a request may have a view open
  if (automatic_ != nullptr) automatic_->Finish();  // it may have a view open
  std::optional<Checkpointer::Pause> paused(std::in_place, checkpointer.get());  // it has a view open
  const bool only_own_view = !views.Empty() && read_only_tip_ != nullptr && read_only_tip_.use_count() == 1 &&
                             views.Holds().size() == 1;
  if (!views.Empty() && !only_own_view) {
    if (control != nullptr) LogUnserved(control->Start());
    return Status::Busy("views or iterators are still open; close them first");
  }
  paused.reset();
  return CloseParts();
}

Status Engine::Impl::CloseParts() {
  if (sessions != nullptr) sessions->Close();
  if (status_ != nullptr) status_->Stop();
  if (scrubber != nullptr) (void)scrubber->Stop();
  if (automatic_ != nullptr) automatic_->Stop();
  if (checkpointer != nullptr) checkpointer->Stop();
  gate.Close(Status::FailedPrecondition("the store is closed"));
  Status status = Status::Ok();
  if (pipeline != nullptr && poison.first().ok() && !unusable_.load()) {
    status = NoThrow([this] { return SyncForClose(); });
    if (status.ok()) WriteCheckpointForClose();
  }
  closed_ = true;
  epochs.Close();
  sessions.reset();
  scrubber.reset();
  checkpointer.reset();
  pipeline.reset();
  automatic_.reset();
  maintenance.reset();
  core.Reset();
  read_only_tip_.reset();  // closes the clone's index, then removes its directory
  views.DropKept();
  context->device.device.reset();
  context->lock.reset();
  epochs.Reopen();
  return status;
}

}  // namespace rawkv
