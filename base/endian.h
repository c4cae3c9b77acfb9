#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace rawkv {

static_assert(std::endian::native == std::endian::little, "rawkv is built for little-endian machines");

template <typename T>
inline void StoreLe(void* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
inline T LoadLe(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Big-endian u64 for index keys: the order of the bytes is the order of the numbers.
inline void StoreBe64(void* to, uint64_t value) {
  StoreLe<uint64_t>(to, __builtin_bswap64(value));
}
inline uint64_t LoadBe64(const void* from) {
  return __builtin_bswap64(LoadLe<uint64_t>(from));
}

}  // namespace rawkv
