#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace rawkv {

// XXH3-64 (xxHash 0.8). The checksum of rawkv's own formats.
uint64_t Xxh3(ConstBytes bytes, uint64_t seed = 0);

}  // namespace rawkv
