#include "base/logger.h"

#include <cstdio>
#include <string>

namespace rawkv {
namespace {

class StderrLoggerImpl final : public Logger {
 public:
  void Log(LogLevel level, std::string_view message) override {
    if (level == LogLevel::kInfo) return;
    std::string line = level == LogLevel::kError ? "rawkv: error: " : "rawkv: warning: ";
    // A message may quote bytes from disk, which must not move the cursor or forge a second line.
    for (const char c : message) {
      const auto byte = static_cast<unsigned char>(c);
      line.push_back(byte < 0x20 || byte == 0x7f ? '?' : c);
    }
    line.push_back('\n');
    std::fwrite(line.data(), 1, line.size(), stderr);  // one call, so that lines do not mix
  }
};

class NullLoggerImpl final : public Logger {
 public:
  void Log(LogLevel, std::string_view) override {}
};

}  // namespace

Logger& StderrLogger() {
  static Logger& logger = *new StderrLoggerImpl;
  return logger;
}

Logger& NullLogger() {
  static Logger& logger = *new NullLoggerImpl;
  return logger;
}

}  // namespace rawkv
