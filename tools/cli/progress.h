#pragma once

#include <string>

#include "base/mutex.h"
#include "engine/api/options.h"

namespace rawkv::ctl {

// Shows the progress of long work on one line of standard error. Rewrites the line in place and wipes it at
// the end. Prints nothing unless standard error is a terminal. Thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(int fd);
  ~ProgressLine() { Wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // A callback for OpenOptions, ImportOptions and ExportOptions. This object must outlive it. Empty without a
  // terminal.
  ProgressFn Callback();
  // Clears the line. Call it before other output goes to the terminal.
  void Wipe();

 private:
  void Show(const Progress& progress);

  const int fd_;
  const bool terminal_;
  Mutex mu_;
  bool shown_ RAWKV_GUARDED_BY(mu_) = false;
};

// "replay: 120 of 4000 (3%)"; without a total "replay: 120".
std::string DescribeProgress(const Progress& progress);

}  // namespace rawkv::ctl
