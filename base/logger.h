#pragma once

#include <cstdint>
#include <string_view>

#include "base/export.h"

namespace rawkv {

enum class LogLevel : uint8_t { kInfo, kWarning, kError };

// Receives the engine's reports to the operator. Thread-safe; must not call back into rawkv.
class RAWKV_EXPORT Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message) = 0;
};

// Prints warnings and errors to stderr, one line a message. Lives as long as the process.
RAWKV_EXPORT Logger& StderrLogger();
// Drops everything.
RAWKV_EXPORT Logger& NullLogger();

}  // namespace rawkv
