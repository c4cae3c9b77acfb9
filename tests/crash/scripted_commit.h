#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/write_batch.h"

namespace rawkv {

// What a commit does, decided by a number alone: the process that commits and the one that judges it
// come to the same change without talking.
using KeyValues = std::map<std::string, std::string>;

// A handful of puts (inline and payload) and deletes over a small set of keys.
WriteBatch ScriptedBatch(uint64_t nonce);
void ApplyScript(uint64_t nonce, KeyValues* state);

}  // namespace rawkv
