#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/write_batch.h"

// The changes of a commit, computed from one number. So the process that commits and the process that judges
// compute the same changes without communication. The number is stored as the commit's metadata, so that the
// store itself shows which commit became which version.
namespace rawkv::torture {

struct ValueRecipe {
  uint64_t seed = 0;
  uint64_t bytes = 0;
};
std::string MakeValue(const ValueRecipe& recipe);

struct ScriptStep {
  enum class Kind : uint8_t { kPut, kDelete, kDeletePrefix };
  Kind kind = Kind::kPut;
  std::string key;    // the key, or the prefix of kDeletePrefix
  ValueRecipe value;  // kPut
};

// One to five steps over a small set of keys. Some values stay in the index, others go to the device, and a
// few are longer than a chunk.
std::vector<ScriptStep> ScriptOf(uint64_t nonce);
WriteBatch BatchOf(uint64_t nonce);
// The number in a commit's metadata; absent if no script wrote it.
std::optional<uint64_t> NonceOf(std::string_view metadata);

// Derives independent numbers from one seed.
uint64_t Mix(uint64_t seed, uint64_t index);

}  // namespace rawkv::torture
