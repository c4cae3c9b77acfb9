#include "engine/recovery/replay_estimate.h"

#include "engine/live/writer_status.h"
#include "wal/log_extent.h"

namespace rawkv {
namespace {

// Below the slowest log of docs/measured/replay.md.
constexpr uint64_t kAssumedBytesPerSecond = 10ull << 20;

// The rate of this process, or else of the writer that has the store open; 0: neither has replayed anything.
uint64_t MeasuredRate(const StoreContext& c) {
  const uint64_t own = c.replay_rate.bytes_per_second();
  if (own != 0 || c.lock != nullptr) return own;
  const std::optional<WriterInfo> holder = ReadLockHolder(*c.env.fs, c.paths.dir);
  if (!holder) return 0;
  const std::optional<WriterStatus> status =
      LoadStatusOf(*c.env.fs, c.paths.status(), *holder, c.identity.store_uuid);
  return status ? status->stats.replay_bytes_per_second : 0;
}

}  // namespace

Result<ReplayEstimate> EstimateReplay(StoreContext& c, const RollbackPlan& way) {
  ReplayEstimate estimate{.bytes_per_second = MeasuredRate(c)};
  estimate.measured = estimate.bytes_per_second != 0;
  if (!estimate.measured) estimate.bytes_per_second = kAssumedBytesPerSecond;
  if (way.changes_nothing()) return estimate;
  const Version begin = way.start.value_or(way.base);
  if (begin > way.to) {
    estimate.undo_versions = begin.value() - way.to.value();
    return estimate;
  }
  estimate.replay_records = way.to.value() - begin.value();
  RAWKV_ASSIGN_OR_RETURN(
      estimate.replay_bytes,
      EstimateLogBytes(c.log(), {.first = Next(begin), .last = way.to, .newest = way.from}));
  return estimate;
}

}  // namespace rawkv
