#pragma once

#include <cstdint>

namespace rawkv {

// Whether this program is built with AddressSanitizer or ThreadSanitizer. Exhaustive tests then run only a
// share of their cases: a memory error or race shows in the first case as well as in the thousandth.
inline constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

constexpr uint64_t Share(uint64_t usual, uint64_t sanitized) {
  return kSanitized ? sanitized : usual;
}

}  // namespace rawkv
