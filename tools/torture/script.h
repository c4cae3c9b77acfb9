#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/write_batch.h"

// What a commit does, decided by one number: the process that commits and the one that judges it come to
// the same change without talking. The number goes along as the commit's metadata, so that the store itself
// says which of several commits under way became which version.
namespace rawkv::torture {

struct ValueRecipe {
  uint64_t seed = 0;
  uint64_t bytes = 0;
};
std::string MakeValue(const ValueRecipe& recipe);

struct ScriptStep {
  enum class Kind : uint8_t { kPut, kDelete, kDeletePrefix };
  Kind kind = Kind::kPut;
  std::string key;    // or the prefix
  ValueRecipe value;  // kPut
};

// One to five steps over a small set of keys: values that stay in the index, values that go to the device,
// now and then one of more than a checksummed chunk.
std::vector<ScriptStep> ScriptOf(uint64_t nonce);
WriteBatch BatchOf(uint64_t nonce);
// Of a commit's metadata; nothing if no script wrote it.
std::optional<uint64_t> NonceOf(std::string_view metadata);

// Independent numbers out of one seed.
uint64_t Mix(uint64_t seed, uint64_t index);

}  // namespace rawkv::torture
