#pragma once

#include <string>

#include "base/mutex.h"
#include "engine/api/options.h"

namespace rawkv::ctl {

// How far long work is, on one line of standard error that is rewritten in place and wiped at the end;
// nothing unless standard error is a terminal. Thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(int fd);
  ~ProgressLine() { Wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // For OpenOptions, ImportOptions and ExportOptions; this object must outlive it. Empty when there is
  // no terminal.
  ProgressFn Callback();
  // Before anything else goes to the terminal.
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
