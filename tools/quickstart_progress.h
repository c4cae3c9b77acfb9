#pragma once

#include <cstdint>
#include <string_view>

namespace rawkv::quickstart {

// One line on standard error that overwrites itself, and only if that is a terminal. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // At most ten times a second reach the terminal. `total` 0 = unknown.
  void Show(std::string_view what, uint64_t done = 0, uint64_t total = 0);
  // Before anything else is printed.
  void Clear();

 private:
  const bool is_terminal_;
  bool shown_ = false;
  uint64_t last_ns_ = 0;
};

}  // namespace rawkv::quickstart
