#pragma once

#include <cstdint>
#include <string_view>

namespace rawkv {

enum class LogLevel : uint8_t { kInfo, kWarning, kError };

// Where the engine tells an operator what it decided. Thread-safe; must not call back into rawkv.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message) = 0;
};

// One line a message on stderr, warnings and errors only. Lives as long as the process.
Logger& StderrLogger();
// Drops everything.
Logger& NullLogger();

}  // namespace rawkv
