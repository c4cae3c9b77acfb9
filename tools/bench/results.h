#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/bench/machine.h"

namespace rawkv::bench {

enum class Better : uint8_t { kHigher, kLower };

// One figure that a workload measures.
struct Metric {
  std::string_view name;  // "throughput", "p99"
  std::string_view unit;  // "ops/s", "us"
  Better better = Better::kHigher;
};

// The samples of one peer for one metric of one case. All but the samples identifies it, and is stable.
struct Series {
  std::string workload;
  uint64_t value_bytes = 0;
  std::string dimension;  // what `depth` counts: "depth", "threads", "writers", …
  uint64_t depth = 1;
  std::string metric, unit;
  Better better = Better::kHigher;
  std::string peer;
  std::vector<double> samples;  // in the order of the repeats

  // "read-cold/4KiB/depth=32/throughput", without the peer.
  std::string Id() const;
};

struct Spread {
  double median = 0, min = 0, max = 0;
  // The farthest sample, as a part of the median.
  double deviation() const;
};
Spread SpreadOf(std::vector<double> samples);

// A peer that a case, or all cases, lack.
struct Missing {
  std::string workload;  // empty: all
  std::string peer, reason;
  friend bool operator==(const Missing&, const Missing&) = default;
};

struct PeerFacts {
  std::string name, version, configuration;
};

// The setting of a quick run.
inline const std::pair<std::string, std::string> kQuickRun = {"run", "quick"};

struct Results {
  Machine machine;
  std::vector<std::pair<std::string, std::string>> settings;  // of the run: repeats, seconds a sample, …
  std::vector<PeerFacts> peers;
  std::vector<Series> series;
  std::vector<Missing> missing;
};

std::string ToJson(const Results& results);
// kInvalidArgument: not a document of ToJson, or of a newer format.
Result<Results> FromJson(std::string_view text);

// A Markdown table for each workload, with a column for each peer.
std::string ToTables(const Results& results);
// The tables of one workload.
std::string TableOf(const Results& results, const std::string& workload);
std::vector<std::string> WorkloadsOf(const Results& results);  // in their order
// "12,345", "0.42"
std::string FormatFigure(double value);
std::string SizeName(uint64_t bytes);  // "100B", "4KiB"

}  // namespace rawkv::bench
