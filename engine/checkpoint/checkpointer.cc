#include "engine/checkpoint/checkpointer.h"

#include <algorithm>
#include <utility>

#include "base/exception_status.h"
#include "engine/checkpoint/checkpoint_content.h"

namespace rawkv {
namespace {

constexpr uint64_t kMaxPollMs = 1000;
constexpr uint64_t kRestPerBlock = 3;  // times as long as the block took
constexpr uint64_t kMaxRestMs = 50;

CheckpointHalves& HalvesOf(const StoreContext& context) {
  return *context.checkpoints;
}

}  // namespace

Checkpointer::Checkpointer(Parts parts) : parts_(std::move(parts)) {}

void Checkpointer::Start() {
  const StoreContext& c = parts_.context;
  if (c.options.checkpoint_interval_ms == 0) return;
  const Status running = NoThrow([this] { return thread_.Start([this] { Run(); }); });
  started_ = running.ok();
  if (running.ok()) return;
  c.env.logger->Log(LogLevel::kWarning,
                    c.paths.dir + ": only the close writes a checkpoint: " + running.ToString());
}

void Checkpointer::Stop() {
  if (!std::exchange(started_, false)) return;
  {
    MutexLock lock(stop_mu_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  {
    const Pause end_the_one_under_way(this);
    thread_.Join();
  }
}

void Checkpointer::Run() {
  const OpenOptions& o = parts_.context.options;
  CheckpointSchedule schedule(
      {.interval_ms = o.checkpoint_interval_ms, .max_age_ms = o.checkpoint_max_age_ms},
      parts_.context.env.clock->NowUnixMs());
  const uint64_t poll_ms = std::clamp<uint64_t>(o.checkpoint_interval_ms / 4, 1, kMaxPollMs);
  MutexLock lock(stop_mu_);
  while (!stop_) {
    if (stopping_.WaitForMs(stop_mu_, static_cast<int64_t>(poll_ms)) || stop_) continue;
    stop_mu_.Unlock();
    // An error was logged. After an exception the next look tries again.
    (void)NoThrow([&]() -> Status {
      WriteIfDue(&schedule);
      return Status::Ok();
    });
    stop_mu_.Lock();
  }
}

void Checkpointer::WriteIfDue(CheckpointSchedule* schedule) {
  const StoreContext& c = parts_.context;
  const std::optional<CheckpointHeader> newest = HalvesOf(c).Newest();
  // A rollback may replace the tip meanwhile; the next look sees it.
  CheckpointSchedule::Seen seen{
      .tip = parts_.core.tip.Get(), .checkpoint = {}, .now_ms = c.env.clock->NowUnixMs()};
  if (newest) seen.checkpoint = Version(newest->owner_version);
  if (!schedule->IsDue(seen)) return;
  const Result<OperationGate::Pass> pass = parts_.enter();
  if (!pass.ok() || !parts_.poison.first().ok()) return;
  const Result<Version> written = NoThrow([this] { return Write(); });
  if (written.status().code() == StatusCode::kBusy) return;
  schedule->Note(written.ok() ? CheckpointSchedule::Outcome::kWritten : CheckpointSchedule::Outcome::kFailed,
                 c.env.clock->NowUnixMs());
}

Status Checkpointer::CheckNotPaused() const {
  if (paused_.load() == 0) return Status::Ok();
  return Status::Busy(parts_.context.paths.dir +
                      ": a rollback or a close ended the checkpoint; repeat the call after it");
}

Result<Version> Checkpointer::Write() {
  MutexLock one_at_a_time(write_mu_);
  return WriteLocked();
}

Result<Version> Checkpointer::WriteLocked() {
  RAWKV_RETURN_IF_ERROR(CheckNotPaused());
  RAWKV_RETURN_IF_ERROR(parts_.poison.Check());
  StoreContext& c = parts_.context;
  CheckpointHalves& halves = HalvesOf(c);
  RAWKV_ASSIGN_OR_RETURN(const std::shared_ptr<const EngineView> view,
                         parts_.views.OpenTip(parts_.core.index, kCheckpointHold));
  const std::optional<CheckpointHeader> newest = halves.Newest();
  if (newest && newest->owner_version == view->version().value() &&
      newest->owner_lineage == view->commit().lineage.value()) {
    halves.NoteOutcome(Status::Ok());
    return view->version();
  }
  const int half = halves.NextHalf();
  const Status written =
      NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status { return WriteHalf(half, *view); });
  if (written.code() == StatusCode::kBusy) return written;
  halves.NoteOutcome(written);
  if (!written.ok()) {
    NoteFailure(written);
    return written.WithContext(c.paths.dir + ": checkpoint of version " + ToString(view->version()));
  }
  parts_.counters.checkpoints_written.fetch_add(1);
  return view->version();
}

Status Checkpointer::WriteHalf(int half, const EngineView& view) {
  StoreContext& c = parts_.context;
  CheckpointHalves& halves = HalvesOf(c);
  RAWKV_RETURN_IF_ERROR(halves.Release(half));
  const uint64_t sequence = halves.NextSequence();
  CheckpointBlockWriter blocks(halves.region(), half, sequence);
  uint64_t commits = parts_.counters.commits.load();
  uint64_t began_ns = c.env.clock->MonotonicNs();
  CheckpointEncoder encoder([&](std::string_view payload, CheckpointBlockWriter::Place place) -> Status {
    RAWKV_RETURN_IF_ERROR(CheckNotPaused());
    RAWKV_RETURN_IF_ERROR(blocks.Write(payload, place));
    if (parts_.counters.commits.load() != commits && waiting_commits_.load() == 0) {
      GiveWay(c.env.clock->MonotonicNs() - began_ns);
    }
    commits = parts_.counters.commits.load();
    began_ns = c.env.clock->MonotonicNs();
    return Status::Ok();
  });
  CheckpointHead head{.store_record = EncodeStoreRecord(c.record()), .meta = {}};
  RAWKV_ASSIGN_OR_RETURN(head.meta, view.index().Meta(view.point().get()));
  RAWKV_RETURN_IF_ERROR(encoder.PutHead(head));
  const std::unique_ptr<IndexCursor> cursor = view.index().NewCursor("", "", view.point());
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    RAWKV_RETURN_IF_ERROR(encoder.PutKey(cursor->key(), cursor->encoded_entry()));
  }
  RAWKV_RETURN_IF_ERROR(cursor->status());
  RAWKV_RETURN_IF_ERROR(encoder.Finish());
  RAWKV_RETURN_IF_ERROR(halves.region().Flush());
  RAWKV_RETURN_IF_ERROR(MakeDurable(view.version()));
  return halves.Publish(half, {.device_uuid = c.identity.device_uuid,
                               .store_uuid = c.identity.store_uuid,
                               .sequence = sequence,
                               .owner_lineage = view.commit().lineage.value(),
                               .owner_version = view.version().value(),
                               .created_unix_ms = c.env.clock->NowUnixMs(),
                               .records = encoder.keys(),
                               .content_bytes = blocks.content_bytes(),
                               .content_checksum = blocks.content_checksum()});
}

void Checkpointer::GiveWay(uint64_t block_ns) {
  const uint64_t rest_ms = std::min(kRestPerBlock * block_ns / 1'000'000, kMaxRestMs);
  MutexLock lock(pace_mu_);
  if (rest_ms == 0 || paused_.load() != 0) return;
  (void)pause_begins_.WaitForMs(pace_mu_, static_cast<int64_t>(rest_ms));
}

Status Checkpointer::MakeDurable(Version version) {
  if (version.value() <= parts_.core.durable.load()) return Status::Ok();
  const WriteRight write(parts_.core);
  RAWKV_RETURN_IF_ERROR(parts_.poison.Check());
  const Status synced = SyncAll(parts_.context, parts_.core);
  if (!synced.ok() && !synced.lacks_resource()) parts_.poison.Set(synced);
  return synced;
}

void Checkpointer::NoteFailure(const Status& failed) {
  parts_.counters.checkpoints_failed.fetch_add(1);
  StoreContext& c = parts_.context;
  const Status flushed = NoThrow([&] { return c.device.device->Flush(); });
  if (!flushed.ok()) parts_.poison.Set(flushed);
  (void)NoThrow([&]() -> Status {
    const std::optional<CheckpointHeader> newest = HalvesOf(c).Newest();
    c.env.logger->Log(LogLevel::kWarning,
                      c.paths.dir + ": no new checkpoint (" + failed.ToString() + "); the newest one is " +
                          (newest ? "of version " + ToString(Version(newest->owner_version)) : "missing"));
    return Status::Ok();
  });
}

Status Checkpointer::LetGoOfHistory() {
  waiting_commits_.fetch_add(1);
  MutexLock one_at_a_time(write_mu_);
  const Result<Version> written = NoThrow([this]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return WriteLocked(); });
  waiting_commits_.fetch_sub(1);
  if (written.status().code() == StatusCode::kBusy) return Status::Ok();
  RAWKV_RETURN_IF_ERROR(parts_.poison.Check());
  StoreContext& c = parts_.context;
  CheckpointHalves& halves = HalvesOf(c);
  // The half that is not next has the checkpoint that was just written.
  for (const int half : {halves.NextHalf(), 1 - halves.NextHalf()}) {
    const Status released = halves.Release(half);
    if (!released.ok()) NoteFailure(released);  // its history stays, and the commit finds no free slot
    if (written.ok()) break;
  }
  if (!written.ok()) {
    c.env.logger->Log(LogLevel::kWarning, c.paths.dir +
                                              ": gave up the checkpoints, as a commit found no free slot and "
                                              "no newer one can be written: " +
                                              written.status().ToString());
  }
  return Status::Ok();
}

Checkpointer::Pause::Pause(Checkpointer* checkpointer) : checkpointer_(checkpointer) {
  if (checkpointer_ == nullptr) return;
  {
    MutexLock lock(checkpointer_->pace_mu_);
    checkpointer_->paused_.fetch_add(1);
    checkpointer_->pause_begins_.NotifyAll();
  }
  MutexLock wait_for_the_one_under_way(checkpointer_->write_mu_);
}

Checkpointer::Pause::~Pause() {
  if (checkpointer_ != nullptr) checkpointer_->paused_.fetch_sub(1);
}

}  // namespace rawkv
