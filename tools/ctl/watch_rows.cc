#include "tools/ctl/watch_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "report/metrics.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"

namespace rawkv::ctl {

WatchFigures WatchFiguresOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments) {
  const SlotUse& slots = info.slots;
  return {.version = info.version.value(),
          .live_bytes = slots.live * info.slot_bytes,
          .pinned_bytes = slots.pinned * info.slot_bytes,
          .free_bytes = slots.free * info.slot_bytes,
          .snapshots = info.snapshots.size(),
          .log_bytes = LogBytes(segments)};
}

WatchRates RateMeter::Add(const WatchFigures& now) {
  const uint64_t now_ns = SystemClock().MonotonicNs();
  WatchRates rates;
  if (before_.has_value()) {
    const double seconds = static_cast<double>(std::max<uint64_t>(now_ns - before_ns_, 1)) / 1e9;
    const auto rate = [seconds](uint64_t was, uint64_t is) {
      return is < was ? std::nullopt : std::optional(static_cast<double>(is - was) / seconds);
    };
    rates = {rate(before_->version, now.version), rate(before_->log_bytes, now.log_bytes)};
  }
  before_ = now;
  before_ns_ = now_ns;
  return rates;
}

std::string WatchHeader() {
  return "time                    version  versions/s        live      pinned        free  snapshots         "
         "log";
}

std::string WatchLine(const WatchFigures& now, const WatchRates& rates) {
  const std::string rate =
      rates.versions_per_second.has_value() ? fmt::format("{:.1f}", *rates.versions_per_second) : "-";
  return fmt::format("{:<20} {:>10} {:>11} {:>11} {:>11} {:>11} {:>10} {:>11}",
                     UtcTime(SystemClock().NowUnixMs()), now.version, rate, HumanBytes(now.live_bytes),
                     HumanBytes(now.pinned_bytes), HumanBytes(now.free_bytes), now.snapshots,
                     HumanBytes(now.log_bytes));
}

}  // namespace rawkv::ctl
