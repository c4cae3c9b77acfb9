#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace rawkv {

void CheckFailed(const char* file, int line, const char* condition, const char* why) {
  std::fprintf(stderr, "rawkv: %s:%d: check failed: %s: %s\n", file, line, condition, why);
  std::fflush(stderr);
  std::abort();
}

}  // namespace rawkv
