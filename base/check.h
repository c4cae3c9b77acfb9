#pragma once

#include "base/export.h"

namespace rawkv {

// Prints the failed condition with its place and aborts. Never returns.
[[noreturn]] RAWKV_EXPORT void CheckFailed(const char* file, int line, const char* condition,
                                           const char* why);

}  // namespace rawkv

// Our own logic only, on in release too. Bytes from disk, arguments and the operating system get a
// Status instead (invariant 12).
#define RAWKV_CHECK(condition, why)                              \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::rawkv::CheckFailed(__FILE__, __LINE__, #condition, why); \
  } while (false)
