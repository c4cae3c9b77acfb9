#pragma once

#include <cstdint>

namespace rawkv {

// Whether this program is built with AddressSanitizer or ThreadSanitizer: what is exhaustive takes a share
// there, since code that is wrong in their sense is so at the first place as well as at the thousandth.
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
