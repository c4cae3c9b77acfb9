#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// Parses a moment, and returns it in milliseconds since 1970:
//   - RFC 3339: "2026-03-01T14:05:00Z", "2026-03-01T14:05:00.250+01:00". A space may replace the T. Without
//     an offset the time is UTC; seconds, or the whole time of day, may be left out.
//   - Before now: "90s ago", "15m ago", "2h ago", "3 days ago", "1w ago", and sums such as "1h30m ago".
//   - A time of day, in UTC, whole days before today: "3d ago 14:05", "0d ago 14:05:30".
// `now_unix_ms` is the present time. kInvalidArgument, also for a moment before 1970.
Result<uint64_t> ParseTime(std::string_view text, uint64_t now_unix_ms);

// Parses a length of time: "90s", "15m", "2h", "7d", "2 weeks", sums such as "1h30m", and "0". Returns
// seconds. kInvalidArgument.
Result<uint64_t> ParseDuration(std::string_view text);
// Formats seconds so that ParseDuration reads them back: "7d", "1h30m", "0".
std::string DurationText(uint64_t seconds);

// Formats a moment as "2025-11-21T07:35:48.250Z", which ParseTime reads back without a loss; "-" for 0.
std::string UtcTimeMs(uint64_t unix_ms);

}  // namespace rawkv::ctl
