#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/bench/peer.h"
#include "tools/bench/results.h"
#include "tools/bench/values.h"

namespace rawkv::bench {

// A peer with its store, as the runner keeps it for all workloads of one value size.
struct Subject {
  std::string name;
  PeerName kind;
  PeerOptions options;
  std::unique_ptr<Peer> peer;
  std::atomic<uint64_t> keys{0};  // 0 … keys - 1 are in the store
};

// Where fio does what a workload does; the ceiling.
struct FioPattern {
  std::string_view rw;         // "randread", "read", "randwrite"
  bool sync = false;           // a sync after each write
  bool latency = false;        // one request is one operation, whose time counts as well
  bool depth_is_jobs = false;  // `depth` is the number of jobs with one request each
  uint64_t values = 1;         // a request is as long as so many values, at least 4 KiB
  uint64_t block_bytes = 0;    // or so long, whatever the values are; 0: not so
};

struct Workload;

// One row of the table with one size and depth.
struct Case {
  const Workload* workload = nullptr;
  uint64_t value_bytes = 0;
  uint64_t depth = 1;
  std::chrono::nanoseconds slice{};  // the time of one sample
  bool quick = false;
};

// The figures of one sample, by the names of the workload's metrics.
using Sample = std::map<std::string_view, double>;

// Takes one sample of one peer. kNotSupported: the peer cannot do this; the message becomes the reason.
using RunWorkload = Status (*)(const Case& which, Subject& subject, Random& random, Sample* sample);

struct Workload {
  std::string_view name;
  std::string_view what;       // one or two sentences
  std::string_view dimension;  // what the depth counts
  std::vector<uint64_t> depths, quick_depths;
  std::vector<uint64_t> sizes, quick_sizes;  // of values, in bytes
  std::vector<Metric> metrics;               // the first one is plotted
  RunWorkload run = nullptr;
  std::optional<FioPattern> fio;
  std::string_view without_fio;  // why fio is not asked
  uint64_t parameter = 0;        // what distinguishes workloads that share `run`
};

// Every workload, in the order in which they run and are shown.
const std::vector<Workload>& Workloads();

}  // namespace rawkv::bench
