#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/api/options.h"

namespace rawkv {

// One piece of damage that a check or a scrub found.
struct Finding {
  std::string kind;   // stable: "store", "superblock", "pins", "snapshot", "log", "index", "slots", "payload"
  std::string where;  // path, slot range or key
  std::optional<Version> version;
  std::string message;
};

struct ScrubOptions {
  uint64_t bytes_per_second = 100ull << 20;  // bytes to read in a second; 0: no limit
  bool restart = false;                      // begin a new pass instead of resuming an interrupted one
  // For StartScrub: run pass after pass, with this many seconds from the end of one pass to the start of the
  // next. A pass that ended before this open counts, too. Absent: one pass, at once.
  std::optional<uint64_t> rest_seconds;
  ProgressFn progress;
};

// The state of a scrub. The counters are those of the whole pass, with the part before it was resumed.
struct ScrubReport {
  bool running = false;
  bool complete = false;  // this run reached the end of a pass
  bool resumed = false;   // this run resumed a pass that an earlier run began
  uint64_t pass = 0;      // 1, 2, …; 0: no pass in this process yet
  std::string phase;      // "superblocks", "log", "snapshots", "tip", "older", "resting"
  uint64_t bytes = 0;     // read and verified
  uint64_t records = 0, snapshots = 0, payloads = 0;
  uint64_t findings_total = 0;
  std::vector<Finding> findings;  // of this run; the first 1,000
  Status stopped;                 // the error that ended the run early, or ok
};

}  // namespace rawkv
