#include "tools/bench/values.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace rawkv::bench {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kPoolBytes = 2 * kValueBytesMax;
constexpr uint64_t kDigits = 12;

// MurmurHash3's finalizer: every bit of the input changes about half of the output.
uint64_t HashOf(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

// Random bytes of which every value is a part.
const std::vector<uint64_t>& Pool() {
  static const std::vector<uint64_t> pool = [] {
    Random random(20'260'901);
    std::vector<uint64_t> words(kPoolBytes / sizeof(uint64_t));
    std::generate(words.begin(), words.end(), std::ref(random));
    return words;
  }();
  return pool;
}

Status Wrong(uint64_t number, const char* what) {
  return Status::Corruption("the value of " + KeyOf(number) + " has " + what);
}

}  // namespace

std::string KeyOf(uint64_t number) {
  std::string key = "user000000000000";
  for (size_t at = key.size(); number != 0 && at > key.size() - kDigits; number /= 10) {
    key[--at] = static_cast<char>('0' + number % 10);
  }
  return key;
}

uint64_t NumberOf(std::string_view key) {
  uint64_t number = 0;
  for (const char digit : key.substr(key.size() - kDigits)) {
    number = number * 10 + static_cast<uint64_t>(digit - '0');
  }
  return number;
}

ConstBytes ValueOf(uint64_t number, uint64_t value_bytes) {
  const uint64_t step = value_bytes >= kPage ? kPage : sizeof(uint64_t);
  const uint64_t offset = HashOf(number) % ((kPoolBytes - value_bytes) / step) * step;
  return std::as_bytes(std::span(Pool())).subspan(offset, value_bytes);
}

Status CheckPages(uint64_t number, uint64_t value_bytes, ConstBytes value) {
  if (value.size() != value_bytes) return Wrong(number, "the wrong length");
  const ConstBytes expected = ValueOf(number, value_bytes);
  for (uint64_t at = 0; at < value_bytes; at += kPage) {
    const uint64_t bytes = std::min<uint64_t>(sizeof(uint64_t), value_bytes - at);
    if (std::memcmp(value.data() + at, expected.data() + at, bytes) != 0) return Wrong(number, "wrong bytes");
  }
  return Status::Ok();
}

Status CheckAll(uint64_t number, uint64_t value_bytes, ConstBytes value) {
  if (value.size() != value_bytes) return Wrong(number, "the wrong length");
  const ConstBytes expected = ValueOf(number, value_bytes);
  if (!std::equal(value.begin(), value.end(), expected.begin())) return Wrong(number, "wrong bytes");
  return Status::Ok();
}

std::vector<uint64_t> Shuffled(uint64_t count, Random& random) {
  std::vector<uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), uint64_t{0});
  std::shuffle(numbers.begin(), numbers.end(), random);
  return numbers;
}

// Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994), as YCSB uses it.
Zipfian::Zipfian(uint64_t count) : count_(count) {
  constexpr double kTheta = 0.99;
  zeta_ = 0;
  for (uint64_t i = 1; i <= count; ++i) zeta_ += 1 / std::pow(static_cast<double>(i), kTheta);
  const double zeta2 = 1 + std::pow(0.5, kTheta);
  alpha_ = 1 / (1 - kTheta);
  eta_ = count <= 2 ? 0 : (1 - std::pow(2.0 / static_cast<double>(count), 1 - kTheta)) / (1 - zeta2 / zeta_);
}

uint64_t Zipfian::Rank(Random& random) const {
  const double u = std::uniform_real_distribution<double>()(random);
  const double uz = u * zeta_;
  if (uz < 1 || count_ < 2) return 0;
  if (count_ == 2 || uz < 1 + std::pow(0.5, 0.99)) return 1;
  const double rank = static_cast<double>(count_) * std::pow(eta_ * u - eta_ + 1, alpha_);
  return std::min(count_ - 1, static_cast<uint64_t>(rank));
}

uint64_t Zipfian::Scattered(Random& random) const {
  return HashOf(Rank(random)) % count_;
}

}  // namespace rawkv::bench
