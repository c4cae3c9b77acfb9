#include "engine/maintenance/automatic_snapshots.h"

#include <algorithm>

#include "base/exception_status.h"

namespace rawkv {
namespace {

// The newest multiple of `interval` at or below `version`; 0 is no height.
Version HeightAtOrBelow(Version version, uint64_t interval) {
  return interval == 0 ? Version() : Version(version.value() - version.value() % interval);
}

}  // namespace

Status AutomaticSnapshots::Start(Version newest) {
  tried_height_ = last_tried_ = last_counted_ = newest.value();
  if (const Result<std::vector<SnapshotInfo>> all = parts_.context.snapshots->List(); all.ok()) {
    last_counted_ = 0;
    for (const SnapshotInfo& s : *all) {
      if (!s.by_log_bytes && s.version <= newest) last_counted_ = s.version.value();
    }
  }
  RAWKV_RETURN_IF_ERROR(task_.Start());
  started_ = true;
  return Status::Ok();
}

void AutomaticSnapshots::Finish() {
  if (started_) (void)task_.Wait();
}

void AutomaticSnapshots::Stop() {
  Finish();
  started_ = false;
  task_.Stop();
}

Version AutomaticSnapshots::NextHeight() const {
  const uint64_t interval = parts_.maintenance.settings().snapshot_interval;
  if (interval == 0) return kMaxVersion;
  const Version below = HeightAtOrBelow(parts_.core.tip.Get(), interval);
  return interval > kMaxVersion.value() - below.value() ? kMaxVersion : Version(below.value() + interval);
}

// The analysis does not know that `core` is that of Maintenance.
void AutomaticSnapshots::AtHeight(Version height) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
  if (busy_ || frozen_ != 0) return;
  // After an error the height is made from a clone.
  if (parts_.maintenance.FreezeForSnapshot().ok()) frozen_ = height.value();
}

std::optional<Version> AutomaticSnapshots::DueHeight() const {
  const Version height =
      HeightAtOrBelow(parts_.core.tip.Get(), parts_.maintenance.settings().snapshot_interval);
  if (height.value() <= tried_height_) return std::nullopt;
  return height;
}

std::optional<Maintenance::SnapshotCause> AutomaticSnapshots::WhyTipIsDue() const {
  const RuntimeSettings settings = parts_.maintenance.settings();
  const uint64_t tip = parts_.core.tip.Get().value();
  if (settings.snapshot_interval == 0 || tip == last_tried_) return std::nullopt;
  // With few free slots, a counted snapshot moves the floor, so that deferred slots become free before
  // commits need them.
  const SlotAllocator& slots = *parts_.core.allocator;
  if (tip - last_counted_ >= std::max<uint64_t>(settings.snapshot_interval / 16, 1) &&
      slots.free_slots() < slots.total_slots() / 16) {
    return Maintenance::SnapshotCause::kOther;
  }
  const uint64_t tried = tried_log_bytes_;
  const bool may_try = tried == 0 || parts_.counters.log_bytes_written - tried >= settings.snapshot_log_bytes;
  if (settings.snapshot_log_bytes != 0 && may_try &&
      parts_.maintenance.LogBytesSinceSnapshot() >= settings.snapshot_log_bytes) {
    return Maintenance::SnapshotCause::kLogBytes;
  }
  return std::nullopt;
}

void AutomaticSnapshots::AfterCommit() {
  if (frozen_ != 0 || DueHeight() || WhyTipIsDue()) task_.Request();
}

void AutomaticSnapshots::AfterRollback() {
  const uint64_t tip = parts_.core.tip.Get().value();
  frozen_ = 0;
  tried_height_ = std::min(tried_height_.load(), tip);
  last_tried_ = std::min(last_tried_.load(), tip);
  last_counted_ = std::min(last_counted_.load(), tip);
}

Status AutomaticSnapshots::MakeDue() {
  const Status made = NoThrow([this]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, parts_.enter());
    if (!parts_.poison.first().ok()) return Status::Ok();
    busy_ = true;
    Status status;
    if (const Version frozen(frozen_.exchange(0)); frozen != Version()) {
      status = MakeHeight(frozen, Maintenance::IndexFlush::kBegun);
    }
    if (const std::optional<Version> height = DueHeight(); status.ok() && height) {
      status = MakeHeight(*height, Maintenance::IndexFlush::kNone);
    }
    if (const auto cause = WhyTipIsDue(); status.ok() && cause) {
      last_tried_ = parts_.core.tip.Get().value();
      if (*cause != Maintenance::SnapshotCause::kLogBytes) last_counted_ = last_tried_.load();
      tried_log_bytes_ = parts_.counters.log_bytes_written.load();
      status = parts_.maintenance.CreateSnapshot(*cause).status();
    }
    return status;
  });
  busy_ = false;
  if (made.ok()) return made;
  return NoThrow([&]() -> Status {
    parts_.context.env.logger->Log(
        LogLevel::kWarning, parts_.context.paths.dir + ": automatic snapshot failed: " + made.ToString());
    return made;
  });
}

Status AutomaticSnapshots::MakeHeight(Version height, Maintenance::IndexFlush flush) {
  tried_height_ = std::max(tried_height_.load(), height.value());
  last_tried_ = std::max(last_tried_.load(), height.value());
  last_counted_ = std::max(last_counted_.load(), height.value());
  const Status made = parts_.maintenance.CreateSnapshotOf(height, flush);
  // A full device may have given up the history around the height meanwhile.
  return made.code() == StatusCode::kVersionUnreachable ? Status::Ok() : made;
}

}  // namespace rawkv
