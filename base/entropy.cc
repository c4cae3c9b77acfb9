#include "base/entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace rawkv {
namespace {

class GetrandomEntropy final : public Entropy {
 public:
  uint64_t NextU64() override {
    uint64_t value = 0;
    ssize_t got = 0;
    do {
      got = ::getrandom(&value, sizeof(value), 0);
    } while (got < 0 && errno == EINTR);
    // Up to 256 bytes are never returned short, and a kernel without the call is not one we run on.
    // Going on with a guessable identity would be worse than stopping.
    RAWKV_CHECK(got == sizeof(value), "getrandom failed");
    return value;
  }
};

}  // namespace

Entropy& SystemEntropy() {
  static Entropy& entropy = *new GetrandomEntropy;
  return entropy;
}

}  // namespace rawkv
