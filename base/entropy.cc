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
    // getrandom never returns fewer than the requested bytes for up to 256 bytes, and all supported kernels
    // have it. A guessable identity would be worse than an abort.
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
