#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace rawkv::fuzz {
namespace {

// Numbers at the edges of integer types and powers of two.
constexpr auto kNumbers = std::to_array<uint64_t>({0,
                                                   1,
                                                   2,
                                                   7,
                                                   8,
                                                   16,
                                                   63,
                                                   64,
                                                   127,
                                                   128,
                                                   255,
                                                   256,
                                                   4095,
                                                   4096,
                                                   65535,
                                                   65536,
                                                   0x7fffffff,
                                                   0x80000000,
                                                   0xffffffff,
                                                   0x100000000,
                                                   1ull << 40,
                                                   0x7fffffffffffffff,
                                                   0x8000000000000000,
                                                   0xfffffffffffffffe,
                                                   0xffffffffffffffff});

}  // namespace

std::string Mutator::Next() {
  std::string input = seeds_[Below(seeds_.size())];
  for (uint64_t changes = 1 + Below(4); changes > 0; --changes) Change(input);
  if (input.size() > input_bytes_max_) input.resize(input_bytes_max_);
  return input;
}

void Mutator::Change(std::string& input) {
  const uint64_t at = Below(input.size());
  const uint64_t length = 1 + Below(std::min<uint64_t>(input.size() - std::min(input.size(), at), 64));
  switch (Below(9)) {
    case 0:
      if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
      return;
    case 1:
      if (!input.empty()) input[at] = static_cast<char>(Below(256));
      return;
    case 2:
      PutNumber(input);
      return;
    case 3:
      input.insert(at, length, static_cast<char>(Below(256)));
      return;
    case 4:
      input.erase(at, length);
      return;
    case 5:
      input.insert(Below(input.size()), input.substr(at, length));
      return;
    case 6:
      input.resize(at);
      return;
    case 7:
      input.append(1 + Below(256), '\0');
      return;
    default:
      Splice(input);
  }
}

// Writes one of kNumbers in either byte order at a random place, or changes a number there by at most 4.
void Mutator::PutNumber(std::string& input) {
  static constexpr auto kWidths = std::to_array<size_t>({2, 4, 8});
  const size_t width = kWidths[Below(kWidths.size())];
  if (input.size() < width) return;
  char* const at = input.data() + Below(input.size() - width + 1);
  uint64_t number = kNumbers[Below(kNumbers.size())];
  if (Below(3) == 0) {
    uint64_t present = 0;
    std::memcpy(&present, at, width);
    number = present + Below(9) - 4;
  } else if (Below(4) == 0) {
    number = __builtin_bswap64(number) >> (64 - 8 * width);
  }
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(at, &number, width);
}

// Replaces a part of the input by a part of another seed.
void Mutator::Splice(std::string& input) {
  const std::string& other = seeds_[Below(seeds_.size())];
  const uint64_t from = Below(other.size());
  const uint64_t to = Below(input.size());
  input.replace(to, Below(input.size() - to + 1), other.substr(from, Below(other.size() - from + 1)));
}

}  // namespace rawkv::fuzz
