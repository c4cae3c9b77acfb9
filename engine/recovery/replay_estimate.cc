#include "engine/recovery/replay_estimate.h"

#include "wal/log_extent.h"

namespace rawkv {
namespace {

// Below the slowest log of docs/measured/replay.md.
constexpr uint64_t kAssumedBytesPerSecond = 10ull << 20;

}  // namespace

Result<ReplayEstimate> EstimateReplay(StoreContext& c, const RollbackPlan& way) {
  ReplayEstimate estimate{.bytes_per_second = c.replay_rate.bytes_per_second()};
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
