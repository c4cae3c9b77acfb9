#include "tools/torture/script.h"

#include <charconv>
#include <cstring>
#include <random>

namespace rawkv::torture {
namespace {

constexpr uint64_t kKeys = 40;
constexpr std::string_view kMetadataPrefix = "nonce ";

// Half of the values are at most 1 KiB, so they stay in the index with the default inline_bytes.
uint64_t LengthOf(std::mt19937_64& random) {
  switch (random() % 40) {
    case 0:
      return 0;
    case 1:
      return 1025 + random() % 600'000;
    default:
      return random() % 2 == 0 ? random() % 1025 : 1025 + random() % 20'000;
  }
}

}  // namespace

// SplitMix64's output function.
uint64_t Mix(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string MakeValue(const ValueRecipe& recipe) {
  std::string out(recipe.bytes, '\0');
  for (uint64_t at = 0; at < out.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Mix(recipe.seed, at);
    std::memcpy(out.data() + at, &word, std::min<uint64_t>(sizeof(word), out.size() - at));
  }
  return out;
}

std::vector<ScriptStep> ScriptOf(uint64_t nonce) {
  std::mt19937_64 random(nonce);
  std::vector<ScriptStep> out(1 + random() % 5);
  for (ScriptStep& step : out) {
    step.key = "key" + std::to_string(random() % kKeys);
    const uint64_t kind = random() % 40;
    if (kind == 0) {
      step.kind = ScriptStep::Kind::kDeletePrefix;
    } else if (kind < 8) {
      step.kind = ScriptStep::Kind::kDelete;
    } else {
      step.value = {.seed = random(), .bytes = LengthOf(random)};
    }
  }
  return out;
}

WriteBatch BatchOf(uint64_t nonce) {
  WriteBatch batch;
  for (const ScriptStep& step : ScriptOf(nonce)) {
    switch (step.kind) {
      case ScriptStep::Kind::kPut:
        batch.Put(step.key, MakeValue(step.value));
        break;
      case ScriptStep::Kind::kDelete:
        batch.Delete(step.key);
        break;
      case ScriptStep::Kind::kDeletePrefix:
        batch.DeletePrefix(step.key);
        break;
    }
  }
  batch.SetMetadata(std::string(kMetadataPrefix) + std::to_string(nonce));
  return batch;
}

std::optional<uint64_t> NonceOf(std::string_view metadata) {
  if (!metadata.starts_with(kMetadataPrefix)) return std::nullopt;
  metadata.remove_prefix(kMetadataPrefix.size());
  uint64_t nonce = 0;
  const char* end = metadata.data() + metadata.size();
  const auto [at, error] = std::from_chars(metadata.data(), end, nonce);
  if (error != std::errc() || at != end) return std::nullopt;
  return nonce;
}

}  // namespace rawkv::torture
