#include "engine/commit/commit_pipeline.h"

#include <algorithm>

#include "base/exception_status.h"
#include "engine/commit/put_conditions.h"
#include "engine/store/change_applier.h"
#include "engine/undo/undo_steps.h"

namespace rawkv {
namespace {

// Bounds how long the members of a group wait, and the memory for a group.
constexpr size_t kMaxGroup = 1024;

CommitResult MakeNotApplied(const Status& status) {
  return {.status = NoThrow([&] { return status.WithContext("commit not applied"); }),
          .outcome = CommitOutcome::kNotApplied,
          .version = {}};
}

void AddChangedKeys(const ChangeSet& changes, ValueCache::Changing& changing) {
  for (const ChangeOp& op : changes.ops) {
    if (op.kind == ChangeOp::Kind::kDeleteRange) return changing.AddAll();
  }
  for (const ChangeOp& op : changes.ops) changing.Add(op.key);
}

bool HasPut(const WriteBatch& batch) {
  const auto& operations = batch.operations();
  return std::any_of(operations.begin(), operations.end(), [](const WriteBatch::Operation& op) {
    return op.kind == WriteBatch::Operation::Kind::kPut;
  });
}

}  // namespace

CommitPipeline::CommitPipeline(StoreContext& context, Core& core, Poison& poison, EngineCounters& counters,
                               Hooks hooks)
    : context_(context),
      core_(core),
      poison_(poison),
      counters_(counters),
      hooks_(std::move(hooks)),
      flush_worker_([&device = *context.device.device] { return device.Flush(); }) {
  group_.reserve(kMaxGroup);
  accepted_.reserve(kMaxGroup);
}

CommitResult CommitPipeline::Commit(const WriteBatch& batch, const CommitOptions& options) {
  Waiter waiter;
  waiter.batch = &batch;
  waiter.options = &options;
  const std::span<Waiter> one(&waiter, 1);
  Prepare(one);
  RunWaiters(one);
  return std::move(waiter.result);
}

void CommitPipeline::CommitMany(std::span<Request> requests) {
  std::vector<Waiter> waiters;
  const Status reserved = NoThrow([&]() -> Status {
    waiters.resize(requests.size());
    return {};
  });
  if (!reserved.ok()) {
    for (Request& request : requests) request.result = MakeNotApplied(reserved);
    return;
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    waiters[i].batch = requests[i].batch;
    waiters[i].options = requests[i].options;
  }
  Prepare(waiters);
  RunWaiters(waiters);
  for (size_t i = 0; i < requests.size(); ++i) requests[i].result = std::move(waiters[i].result);
}

bool CommitPipeline::PrepareStep(Waiter& waiter, const std::function<Status()>& step) {
  if (waiter.done) return false;
  const Status status = NoThrow(step);
  if (status.ok()) return true;
  ReleaseCommit(context_, core_, waiter.commit, status);
  waiter.result = MakeNotApplied(status);
  waiter.done = true;
  return false;
}

void CommitPipeline::Prepare(std::span<Waiter> waiters) {
  std::vector<PlannedCommit> planned;
  for (Waiter& waiter : waiters) {
    PrepareStep(waiter, [&]() -> Status {
      RAWKV_RETURN_IF_ERROR(poison_.Check());
      RAWKV_RETURN_IF_ERROR(ValidateBatch(*waiter.batch, context_));
      if (HasPut(*waiter.batch)) RAWKV_RETURN_IF_ERROR(AdmitPut(context_));
      planned.reserve(waiters.size());
      RAWKV_RETURN_IF_ERROR(PlanCommit(*waiter.batch, context_, core_, hooks_.make_space, waiter.commit));
      planned.push_back({waiter.batch, &waiter.commit});
      return Status::Ok();
    });
  }
  const Status together = NoThrow([&] { return WritePayload(planned, core_); });
  for (Waiter& waiter : waiters) {
    PrepareStep(waiter, [&]() -> Status {
      if (!together.ok()) {
        if (planned.size() == 1) return together;
        // The error may come from the payload of another commit.
        const PlannedCommit alone{waiter.batch, &waiter.commit};
        RAWKV_RETURN_IF_ERROR(WritePayload(std::span(&alone, 1), core_));
      }
      return EncodeRecord(context_, core_, waiter.commit);
    });
  }
}

// Throws only if no waiter is in the queue.
void CommitPipeline::Enqueue(std::span<Waiter> waiters) {
  MutexLock lock(mu_);
  size_t added = 0;
  try {
    for (Waiter& waiter : waiters) {
      if (waiter.done) continue;
      queue_.push_back(&waiter);
      ++added;
    }
  } catch (...) {
    for (; added > 0; --added) queue_.pop_back();
    throw;
  }
}

void CommitPipeline::RunWaiters(std::span<Waiter> waiters) {
  CondVar turn;
  for (Waiter& waiter : waiters) waiter.turn = &turn;
  const Status queued = NoThrow([&]() -> Status {
    Enqueue(waiters);
    return {};
  });
  if (!queued.ok()) {
    for (Waiter& waiter : waiters) {
      if (waiter.done) continue;
      ReleaseCommit(context_, core_, waiter.commit, queued);
      waiter.result = MakeNotApplied(queued);
    }
    return;
  }
  bool led = false;
  {
    MutexLock lock(mu_);
    for (Waiter& waiter : waiters) {
      while (!waiter.done) {
        if (queue_.front()->turn != &turn) {
          turn.Wait(mu_);
          continue;
        }
        LeadGroup();
        led = true;
      }
    }
  }
  if (led) hooks_.committed();
}

void CommitPipeline::LeadGroup() {
  TakeGroup();
  mu_.Unlock();
  RunGroup(group_);
  mu_.Lock();
  // The group leaves the queue only now, so that a caller that queued meanwhile did not lead at the same
  // time.
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(group_.size()));
  for (Waiter* member : group_) {
    member->done = true;
    member->turn->NotifyOne();
  }
  if (!queue_.empty()) queue_.front()->turn->NotifyOne();
}

void CommitPipeline::TakeGroup() {
  group_.clear();
  uint64_t bytes = 0;
  const uint64_t limit = std::min(context_.options.group_bytes_max, core_.max_group_bytes);
  for (Waiter* w : queue_) {
    const PendingRecord record{.version = {}, .time_unix_ms = 0, .body = AsBytes(w->commit.body)};
    const uint64_t framed = Wal::FramedBytes(std::span(&record, 1));
    if (!group_.empty() && (bytes + framed > limit || group_.size() == kMaxGroup)) break;
    bytes += framed;
    group_.push_back(w);
  }
}

void CommitPipeline::RunGroup(std::span<Waiter* const> group) {
  const WriteRight write(core_);
  const Status decided = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return CommitGroup(group); });
  // CommitTogether throws nothing, so an exception came before or between its rounds. A member without an
  // answer is then not in the log.
  for (Waiter* w : group) {
    if (!w->answered) AnswerWaiters(std::span(&w, 1), decided, false);
  }
}

// Answers the members. After an error the members without an answer get that error.
Status CommitPipeline::CommitGroup(std::span<Waiter* const> group) {
  while (!group.empty()) {
    RAWKV_ASSIGN_OR_RETURN(const size_t answered, CommitToHeight(group));
    group = group.subspan(answered);
  }
  return Status::Ok();
}

Result<size_t> CommitPipeline::CommitToHeight(std::span<Waiter* const> group) {
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  accepted_.clear();
  const Version height = hooks_.next_height();
  size_t taken = 0;
  for (Waiter* w : group) {
    if (core_.tip.Get().value() + accepted_.size() == height.value()) break;
    ++taken;
    const Version next(core_.tip.Get().value() + accepted_.size() + 1);
    if (w->options->expected_version && *w->options->expected_version != next) {
      AnswerWaiters(std::span(&w, 1),
                    Status::FailedPrecondition("the next version is " + ToString(next) + ", not " +
                                               ToString(*w->options->expected_version)),
                    false);
      continue;
    }
    accepted_.push_back(w);
  }
  if (accepted_.empty()) return taken;
  bool unknown = false;
  const Status status = CommitTogether(accepted_, &unknown);
  if (status.ok() || unknown || accepted_.size() == 1) {
    AnswerWaiters(accepted_, status, unknown);
    return taken;
  }
  // The error may come from one member alone: an index entry that cannot be read, or a record too large for
  // the space that is left. So each member commits alone.
  for (Waiter* w : accepted_) {
    const Version next = Next(core_.tip.Get());
    if (w->options->expected_version && *w->options->expected_version != next) {
      AnswerWaiters(std::span(&w, 1), Status::FailedPrecondition("the version before it was not applied"),
                    false);
      continue;
    }
    bool alone_unknown = false;
    const Status poisoned = poison_.Check();
    const Status alone = poisoned.ok() ? CommitTogether(std::span(&w, 1), &alone_unknown) : poisoned;
    AnswerWaiters(std::span(&w, 1), alone, alone_unknown);
  }
  return taken;
}

bool CommitPipeline::HasOnlyDeletes(const Waiter* waiter) {
  const std::vector<ChangeOp>& ops = waiter->commit.changes.ops;
  return !ops.empty() && std::none_of(ops.begin(), ops.end(),
                                      [](const ChangeOp& op) { return op.kind == ChangeOp::Kind::kPut; });
}

Status CommitPipeline::MakeRoom(std::span<Waiter* const> group, uint64_t log_bytes) {
  // If the index has stopped writing, a record in the log would have an unknown outcome.
  if (const Status index = core_.index->CheckWritable(); !index.ok()) {
    poison_.Set(index);
    return poison_.Check();
  }
  // A full store gets room by deletes, so a group of deletes may spend the reserve, and may exceed the
  // memtable's bound by as much as the reserve's size allows.
  const bool only_deletes = std::all_of(group.begin(), group.end(), HasOnlyDeletes);
  Status room = only_deletes ? Status::Ok() : MakeMemtableRoom(context_, core_);
  const auto prepare = [&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return core_.wal->PrepareSpace(log_bytes); };
  if (room.ok()) room = only_deletes ? WithReserve(context_, prepare) : prepare();
  if (!room.ok() && !room.lacks_resource()) poison_.Set(room);
  return room;
}

Status CommitPipeline::CommitTogether(std::span<Waiter* const> group, bool* unknown) {
  const Version height = hooks_.next_height();
  const Status status =
      NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return CommitRound(group, unknown); });
  if (!status.ok() && *unknown) poison_.Set(status);
  if (status.ok() && core_.tip.Get() == height) {
    (void)NoThrow([&]() -> Status {  // the commits are applied, whatever becomes of the snapshot
      hooks_.at_height(height);
      return {};
    });
  }
  return status;
}

Status CommitPipeline::CommitRound(std::span<Waiter* const> group, bool* unknown) {
  const uint64_t now = context_.env.clock->NowUnixMs();
  const Lineage lineage = context_.lineage();
  const Version before = core_.tip.Get();
  std::vector<PendingRecord> records;
  std::vector<Extent> taken;
  bool synced = false;
  std::vector<PreparedCommit*> commits;
  for (Waiter* w : group) commits.push_back(&w->commit);
  RAWKV_RETURN_IF_ERROR(DecideConditions(commits, *core_.index));
  for (Waiter* w : group) {
    w->result.version = Version(before.value() + records.size() + 1);
    records.push_back({w->result.version, now, w->commit.record_body()});
    taken.insert(taken.end(), w->commit.reserved.begin(), w->commit.reserved.end());
    synced |= w->options->durability.value_or(context_.runtime.durability) == Durability::kSynced;
  }
  RAWKV_RETURN_IF_ERROR(MakeRoom(group, Wal::FramedBytes(records)));
  const std::unique_ptr<IndexBatch> batch = core_.index->NewBatch();
  AllocationTxn txn = core_.allocator->Begin();
  const Version newest = records.back().version;
  std::optional<UndoRecorder> undo;
  if (const uint64_t window = context_.runtime.undo_versions; window != 0) {
    undo.emplace(FirstInUndoWindow(newest, window),
                 group.size() == 1 ? UndoRecorder::Versions::kOne : UndoRecorder::Versions::kSeveral);
  }
  ChangeApplier applier(*batch, txn, core_.meta, undo ? &*undo : nullptr);
  for (size_t i = 0; i < group.size(); ++i) {
    RAWKV_RETURN_IF_ERROR(applier.Apply(commits[i]->effective(), records[i].version, lineage, now));
  }
  applier.Finish(core_.allocator->cursor());

  *unknown = true;
  std::shared_ptr<const ReadPoint> before_group;
  Status status = core_.wal->Append(records, lineage, Version(core_.durable.load()));
  if (status.ok() && synced) status = MakeDurable();
  if (status.ok()) {
    // A version without an undo record is as good as any other, so nothing here fails the commit.
    (void)NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
      before_group = PrepareUndo(newest, undo ? &*undo : nullptr, *batch);
      return {};
    });
    ValueCache::Changing changing(core_.values.get());
    if (core_.values != nullptr) {
      for (PreparedCommit* commit : commits) AddChangedKeys(commit->effective(), changing);
    }
    status = core_.tip.Publish(applier.meta().applied, [&] { return core_.index->Apply(*batch); });
  }
  RAWKV_RETURN_IF_ERROR(status);
  if (before_group != nullptr) {
    (void)NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
      core_.undo_backlog.Add(newest, *std::move(undo), core_.index, std::move(before_group));
      return {};
    });
  }
  core_.undo_backlog.Trim(FirstInUndoWindow(newest, context_.runtime.undo_versions));
  core_.allocator->Merge(txn, taken, {});
  core_.meta = applier.meta();
  if (synced) core_.durable.store(core_.meta.applied.value());
  // The commits before the group: whoever reads the groups first never sees more groups than commits.
  counters_.commits.fetch_add(group.size(), std::memory_order_relaxed);
  counters_.groups.fetch_add(1, std::memory_order_release);
  counters_.log_bytes_written.fetch_add(Wal::FramedBytes(records), std::memory_order_relaxed);
  // The commits of this group are applied. An error here ends later commits.
  const Status flushed =
      NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return FlushIndexIfLarge(context_, core_); });
  if (!flushed.ok()) poison_.Set(flushed);
  return Status::Ok();
}

Status CommitPipeline::MakeDurable() {
  const bool dirty = core_.device_dirty.exchange(false);
  // The flush and the log's sync overlap. Their order does not matter: records carry checksums of the
  // payload, and a recovery verifies the payload above `durable_through`.
  if (dirty) flush_worker_.Request();
  // An exception must not leave while the flush is under way.
  const Status log = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return core_.wal->Sync(); });
  const Status device = dirty ? flush_worker_.Wait() : Status::Ok();
  return log.ok() ? device : log;
}

std::shared_ptr<const ReadPoint> CommitPipeline::PrepareUndo(Version newest, UndoRecorder* undo,
                                                             IndexBatch& batch) {
  const Version first = FirstInUndoWindow(newest, context_.runtime.undo_versions);
  for (; core_.undo_from < std::min(first, core_.undo_end); core_.undo_from = Next(core_.undo_from)) {
    batch.DeleteUndo(core_.undo_from);
  }
  if (undo == nullptr) return nullptr;
  if (undo->needs_look_ups()) return core_.index->TakeReadPoint();
  if (undo->Complete(*core_.index).ok()) {
    undo->WriteTo(batch);
    core_.undo_end = Next(newest);
  }
  return nullptr;
}

void CommitPipeline::AnswerWaiters(std::span<Waiter* const> group, const Status& status, bool unknown) {
  for (Waiter* w : group) {
    w->answered = true;
    if (status.ok()) {
      w->result.status = status;
      w->result.outcome = CommitOutcome::kApplied;
      w->result.existed = std::move(w->commit.existed);
      counters_.user_bytes_written.fetch_add(w->commit.user_bytes, std::memory_order_relaxed);
    } else if (unknown) {
      // The slots stay reserved: if the record is in the log, a reopen makes them live.
      w->result = {.status = NoThrow([&] {
                     return status.WithContext("commit outcome unknown; reopen the store to find out");
                   }),
                   .outcome = CommitOutcome::kUnknown,
                   .version = {}};
    } else {
      w->result = MakeNotApplied(status);
      ReleaseCommit(context_, core_, w->commit, status);
    }
  }
}

Status CommitPipeline::Sync() {
  const WriteRight write(core_);
  RAWKV_RETURN_IF_ERROR(poison_.Check());
  const Status status = SyncAll(context_, core_);
  if (!status.ok()) poison_.Set(status);
  return status;
}

}  // namespace rawkv
