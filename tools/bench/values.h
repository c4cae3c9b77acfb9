#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace rawkv::bench {

inline constexpr uint64_t kValueBytesMax = 16ull << 20;

// "user" and the number with 12 digits: YCSB's form. The order of the keys is that of the numbers.
std::string KeyOf(uint64_t number);
uint64_t NumberOf(std::string_view key);

// The value of a key: always the same bytes, without a pattern. Valid for the life of the program. A put of a
// key writes the same value again, which no peer takes advantage of, so that readers can always check it.
ConstBytes ValueOf(uint64_t number, uint64_t value_bytes);

// kCorruption unless the length and 8 bytes of each page of 4 KiB are right. This reads every page, so that
// a value that is only mapped is loaded, but it takes little time.
Status CheckPages(uint64_t number, uint64_t value_bytes, ConstBytes value);
// The same for all bytes.
Status CheckAll(uint64_t number, uint64_t value_bytes, ConstBytes value);

using Random = std::mt19937_64;

// The numbers 0 … count - 1 in an order without a pattern.
std::vector<uint64_t> Shuffled(uint64_t count, Random& random);

// YCSB's choice of keys: few are popular (zipfian with constant 0.99), and they are spread over all keys.
class Zipfian {
 public:
  explicit Zipfian(uint64_t count);
  // A rank: 0 is the most popular.
  uint64_t Rank(Random& random) const;
  // A key number below the count, with the popular ones spread.
  uint64_t Scattered(Random& random) const;

 private:
  uint64_t count_;
  double zeta_, alpha_, eta_;
};

}  // namespace rawkv::bench
