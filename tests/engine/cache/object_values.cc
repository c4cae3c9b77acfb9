#include "tests/engine/cache/object_values.h"

#include "base/checksum.h"
#include "tests/support/model.h"

namespace rawkv {
namespace {

constexpr uint64_t kGenerations = 1 << 16;

}  // namespace

std::string ValueOf(std::string_view key, uint64_t n, uint64_t bytes) {
  return MakeValue({.seed = (Xxh3(AsBytes(key)) & ~(kGenerations - 1)) + n % kGenerations, .bytes = bytes});
}

std::string DiffObject(std::string_view key, std::string_view value) {
  if (value.size() < 8) return "a value of " + std::to_string(value.size()) + " bytes";
  const uint64_t seed = SeedOf(value);
  if ((seed ^ Xxh3(AsBytes(key))) >= kGenerations) return "the value of another key";
  return DiffValue({.seed = seed, .bytes = value.size()}, value);
}

}  // namespace rawkv
