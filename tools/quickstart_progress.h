#pragma once

#include <cstdint>

#include "engine/api/options.h"
#include "tools/cli/progress.h"

namespace rawkv::quickstart {

// How far a stage is, on a terminal, at most ten times a second. Not thread-safe.
class StageProgress {
 public:
  StageProgress();
  void Show(const char* what, uint64_t done, uint64_t total);
  // Before anything else is printed.
  void Clear();

 private:
  ctl::ProgressLine line_;
  const ProgressFn show_;  // empty: no terminal
  uint64_t next_ns_ = 0;
};

}  // namespace rawkv::quickstart
