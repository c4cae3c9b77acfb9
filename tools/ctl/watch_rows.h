#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/api/info.h"

namespace rawkv::ctl {

// The figures of a store at one moment, which `stats --watch` and `top` compare with those before.
struct WatchFigures {
  uint64_t version = 0;
  uint64_t live_bytes = 0, pinned_bytes = 0, free_bytes = 0;
  uint64_t snapshots = 0;
  uint64_t log_bytes = 0;
};
WatchFigures WatchFiguresOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments);

// Speeds since the figures before. Absent for the first ones, and where a rollback or a prune has made a
// figure smaller.
struct WatchRates {
  std::optional<double> versions_per_second;
  std::optional<double> log_bytes_per_second;
};

// Compares figures with those before. Not thread-safe.
class RateMeter {
 public:
  WatchRates Add(const WatchFigures& now);

 private:
  std::optional<WatchFigures> before_;
  uint64_t before_ns_ = 0;
};

// The header line and one line of `stats --watch`, both without a newline.
std::string WatchHeader();
std::string WatchLine(const WatchFigures& now, const WatchRates& rates);

// On a terminal the header stands again after so many rows.
inline constexpr uint64_t kRowsPerHeader = 20;

}  // namespace rawkv::ctl
