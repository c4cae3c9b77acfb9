#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/bench/results.h"

namespace rawkv::bench {

struct RunOptions {
  std::string dir;                     // the run makes its files in a new directory in it, and removes them
  std::string device;                  // for the values of rawkv; its content is lost; empty: a file
  std::vector<std::string> workloads;  // empty: all
  std::vector<uint64_t> sizes;         // empty: those of each workload
  std::vector<std::string> peers;      // as ParsePeerName reads them, and "fio"
  uint64_t repeats = 0;
  std::chrono::milliseconds slice{};  // the time of one sample
  uint64_t data_bytes = 0;            // of the values that are loaded for a size; at least eight values
  uint64_t keys_max = 0;              // loaded for a size
  uint64_t seed = 0;                  // of the order of keys and peers
  bool quick = false;                 // fewer sizes and depths
};

// Called with what is measured next, for people.
using OnProgress = std::function<void(const std::string& what)>;

// Runs the workloads. In each case the peers take turns, in a new order for each repeat. Before the first
// measurement of a size, each peer reads back all that was loaded, and every byte is compared.
// kInvalidArgument: a name or a size. kFailedPrecondition: a signal that ctl::HoldSignals holds has arrived.
// Otherwise the first error of a peer, with its name and the case.
Result<Results> Run(const RunOptions& options, const OnProgress& progress);

}  // namespace rawkv::bench
