#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/ctl/line_completion.h"

namespace rawkv::ctl {

// Reads lines from a terminal in UTF-8, with editing, history and completion (libedit). libedit keeps its
// state in globals: one object at a time, used by one thread. The signals of HoldSignals must be held.
class LineEditor {
 public:
  using Completer = std::function<std::vector<std::string>(const LineAtCursor&)>;

  // Reads the history from `history_path`; "" keeps no history between two runs.
  LineEditor(std::string history_path, Completer completer);
  // Writes the history; an error of that is ignored.
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line; absent at the end of the input, or if a held signal has arrived. Does not take the signal.
  std::optional<std::string> Read(const std::string& prompt);

 private:
  const std::string history_path_;
};

}  // namespace rawkv::ctl
