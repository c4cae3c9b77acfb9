#pragma once

#include <cstdint>

namespace rawkv {

// SplitMix64 (Steele, Lea and Flood, 2014): the output for a state. States that follow each other by
// kSplitMixStep make a sequence of random numbers.
inline constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15;
constexpr uint64_t SplitMix64(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

// A hash of two numbers.
constexpr uint64_t Mix(uint64_t a, uint64_t b) {
  return SplitMix64(a + kSplitMixStep * (b + 1));
}

}  // namespace rawkv
