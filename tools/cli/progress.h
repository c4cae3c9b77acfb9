#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "engine/api/options.h"

namespace rawkv::ctl {

// Shows the progress of long work on one line of standard error. Rewrites the line in place and wipes it at
// the end, at most ten times a second. Prints nothing unless standard error is a terminal. Thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(int fd);
  ~ProgressLine() { Wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // A callback for OpenOptions, ImportOptions and ExportOptions. This object must outlive it. Empty without a
  // terminal.
  ProgressFn Callback();
  // Shows `progress` for work that the program does itself. Cheap enough to be called for each item.
  void Report(const Progress& progress);
  // Prints a whole line on standard error, also without a terminal.
  void Announce(const std::string& line);
  // Clears the line. Call it before other output goes to the terminal.
  void Wipe();

 private:
  using Time = std::chrono::steady_clock::time_point;

  const int fd_;
  const bool terminal_;
  Mutex mu_;
  bool shown_ RAWKV_GUARDED_BY(mu_) = false;
  std::string work_ RAWKV_GUARDED_BY(mu_);  // Progress::what of the work under way
  Time started_ RAWKV_GUARDED_BY(mu_);      // the first report of that work
  uint64_t done_at_start_ RAWKV_GUARDED_BY(mu_) = 0;
  Time shown_at_ RAWKV_GUARDED_BY(mu_);
};

// From when the speed of a work is known. A resumed work has done something before.
struct ProgressStart {
  uint64_t elapsed_ms = 0;
  uint64_t done = 0;
};

// "replay: 120 of 4000 versions (3%), 32 s left"; without a total "scrub: 3.2 GiB". The time left is absent
// in the first second.
std::string DescribeProgress(const Progress& progress, const ProgressStart& start);

}  // namespace rawkv::ctl
