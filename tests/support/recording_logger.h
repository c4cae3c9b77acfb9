#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/logger.h"
#include "base/mutex.h"

namespace rawkv {

// Keeps the messages that the engine logs. Thread-safe.
class RecordingLogger final : public Logger {
 public:
  void Log(LogLevel level, std::string_view message) override RAWKV_EXCLUDES(mu_) {
    MutexLock lock(mu_);
    lines_.push_back({level, std::string(message)});
  }
  // Whether a warning or an error contained `text`.
  bool Warned(std::string_view text) const RAWKV_EXCLUDES(mu_) {
    MutexLock lock(mu_);
    for (const Line& line : lines_) {
      if (line.level != LogLevel::kInfo && line.message.find(text) != std::string::npos) return true;
    }
    return false;
  }
  // One line for each message, with its level.
  std::string text() const RAWKV_EXCLUDES(mu_) {
    MutexLock lock(mu_);
    std::string out;
    for (const Line& line : lines_) {
      out += line.level == LogLevel::kInfo      ? "  info: "
             : line.level == LogLevel::kWarning ? "  warning: "
                                                : "  error: ";
      out += line.message + "\n";
    }
    return out;
  }

 private:
  struct Line {
    LogLevel level;
    std::string message;
  };
  mutable Mutex mu_;
  std::vector<Line> lines_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
