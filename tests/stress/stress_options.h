#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace rawkv::stress {

// A fault that the program plants in itself, so that a test can show that the judge detects it.
enum class Plant : uint8_t {
  kNone,
  kLie,      // the model records another value than the one that was committed
  kForget,   // some acknowledged commits are not reported to the model
  kAhead,    // the program lowers the result of version()
  kHang,     // a call takes longer than the watchdog allows
  kLeak,     // each reopen leaks descriptors
  kFinding,  // a scrub reports damage
};

struct StressOptions {
  uint64_t seconds = 60;
  uint64_t seed = 0;  // 0: chosen at random; always printed
  uint64_t threads = 14;
  std::string device = "file";      // "file", "auto", or the path of a block device
  bool may_destroy_device = false;  // needed for the path of a block device
  std::string dir;                  // parent directory of all files; "" = $TMPDIR or /tmp
  uint64_t device_mib = 0;          // size of a new device; 0: chosen by the seed
  uint64_t call_seconds = 60;       // a call that takes longer is a violation
  uint64_t stall_seconds = 30;      // wait for the acknowledgement of a version that a read showed
  uint64_t reopen_seconds = 3;      // time between two reopens
  uint64_t max_violations = 1;      // the run ends after this number
  std::set<std::string> without;    // operations that are left out, by name
  Plant plant = Plant::kNone;
  bool keep = false;  // keep the files of a run without violations as well

  bool Has(const std::string& operation) const { return !without.contains(operation); }
};

// Returns false after a message on standard error if the arguments cannot be used. --help prints the usage
// and ends the process.
bool ParseStressOptions(int argc, char** argv, StressOptions* options);

}  // namespace rawkv::stress
