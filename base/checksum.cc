#include "base/checksum.h"

#include <xxhash.h>

static_assert(XXH_VERSION_NUMBER >= 800, "XXH3 is stable since xxHash 0.8");

namespace rawkv {

uint64_t Xxh3(ConstBytes bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace rawkv
