#pragma once

#include <cstring>
#include <random>

#include "blockdev/aligned_buffer.h"

namespace rawkv {

inline void FillRandom(Bytes out, std::mt19937_64& random) {
  for (size_t at = 0; at < out.size(); at += sizeof(uint64_t)) {
    const uint64_t value = random();
    std::memcpy(out.data() + at, &value, sizeof(value));
  }
}

inline AlignedBuffer RandomBuffer(uint64_t size_bytes, std::mt19937_64& random) {
  AlignedBuffer out(size_bytes);
  FillRandom(out.bytes(), random);
  return out;
}

inline bool SameBytes(ConstBytes a, ConstBytes b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace rawkv
