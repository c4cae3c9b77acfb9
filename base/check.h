#pragma once

#include "base/export.h"

namespace rawkv {

// Prints the failed condition and its place, and aborts.
[[noreturn]] RAWKV_EXPORT void CheckFailed(const char* file, int line, const char* condition,
                                           const char* why);

}  // namespace rawkv

// Checks rawkv's own logic, in release builds too. Wrong bytes from disk, wrong arguments and errors of the
// operating system give a Status instead (invariant 12).
#define RAWKV_CHECK(condition, why)                              \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::rawkv::CheckFailed(__FILE__, __LINE__, #condition, why); \
  } while (false)
