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

// Whether UndefinedBehaviorSanitizer runs as well. It opens a pipe to look at an object's type, and takes the
// object for invalid when there is no descriptor left.
inline constexpr bool kNeedsDescriptors =
#if defined(__SANITIZE_ADDRESS__)
    true;
#else
    false;
#endif

constexpr uint64_t Share(uint64_t usual, uint64_t sanitized) {
  return kSanitized ? sanitized : usual;
}

}  // namespace rawkv
