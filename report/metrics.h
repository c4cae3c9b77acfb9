#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/api/info.h"
#include "engine/cache_api/cache_report.h"
#include "report/json_text.h"

// The numbers of a store, as JSON and for Prometheus.
namespace rawkv {

struct Figure {
  std::string_view name;  // in JSON and text; the metric of Prometheus is "rawkv_<name>"
  uint64_t value = 0;
  std::string_view help = "";
};
using Figures = std::vector<Figure>;

// Counters since the open of a process.
Figures CountersOf(const EngineStats& stats);
// The counters, and the speed of the newest replay.
Figures CountersAndRateOf(const EngineStats& stats);
// How the cache of values is used. Only the process that has it can report it.
Figures ValueCacheOf(const EngineStats& stats);
// Sizes of the store, independent of an open.
Figures SizesOf(const EngineInfo& info, const std::vector<LogSegmentRow>& segments);
uint64_t LogBytes(const std::vector<LogSegmentRow>& segments);

// One object with a field for each figure.
OrderedJson FiguresJson(const Figures& figures);

// What a cache counts, in the order of kCacheFigures.
Figures CacheFiguresOf(const ObjectCacheStats& stats);
// {"stats":{…},"usage":{"objects","bytes"},"pins":[{"key","owner","count"},…]}
OrderedJson CacheReportJson(const CacheReport& report);
// The same figures for Prometheus: "rawkv_cache_<name>", of counters with "_total".
std::string CacheMetricsText(const ObjectCacheStats& stats, const std::string& store_uuid);

// The text exposition format, version 0.0.4: the sizes, and what the process that has the store open for
// writing reports about itself. `own` is not null in that process: its counters and state are then those of
// this moment. The counters of a process that only reads are not in it, because they count from its own open.
std::string PrometheusText(const EngineInfo& info, const std::vector<LogSegmentRow>& segments,
                           const EngineStats* own = nullptr);

}  // namespace rawkv
