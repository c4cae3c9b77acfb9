#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/api/options.h"

namespace rawkv {

// Something damaged, as a check or the scrubber found it.
struct Finding {
  std::string kind;   // stable: "store", "superblock", "pins", "snapshot", "log", "index", "slots", "payload"
  std::string where;  // path, slot range or key
  std::optional<Version> version;
  std::string message;
};

struct ScrubOptions {
  uint64_t bytes_per_second = 100ull << 20;  // read at most; 0 = as fast as it goes
  bool restart = false;                      // a new pass, whatever one was under way
  // Of StartScrub: one pass after another, so many seconds from the end of one (also of one before this
  // open) to the next. Absent: one pass, at once.
  std::optional<uint64_t> rest_seconds;
  ProgressFn progress;
};

// Where the scrubber is. Counters are those of the pass, also of what it did before it was resumed.
struct ScrubReport {
  bool running = false;
  bool complete = false;  // the pass came to its end in this run
  bool resumed = false;   // it went on from where an earlier run had stopped
  uint64_t pass = 0;      // 1, 2, …; 0 = none yet in this process
  std::string phase;      // "superblocks", "log", "snapshots", "tip", "older", "resting"
  uint64_t bytes = 0;     // read and verified, in all
  uint64_t records = 0, snapshots = 0, payloads = 0;
  uint64_t findings_total = 0;
  std::vector<Finding> findings;  // of this run; the first 1,000
  Status stopped;                 // an error that ended the run early; ok otherwise
};

}  // namespace rawkv
