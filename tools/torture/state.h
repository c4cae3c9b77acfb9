#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/engine.h"

// The content of a version in a form that is small enough to keep for every version: the length and a
// checksum of each value.
namespace rawkv::torture {

struct ValueSum {
  uint64_t bytes = 0;
  uint64_t hash = 0;
  friend bool operator==(const ValueSum&, const ValueSum&) = default;
};
using State = std::map<std::string, ValueSum>;

// Applies the commit with this number to a state.
void ApplyScript(uint64_t nonce, State* state);

// Reads every key and every byte of a version from the store.
Result<State> ReadState(Engine& engine, const std::shared_ptr<const ReadView>& view);

// A digest of a whole state. Equal states have equal digests.
uint64_t DigestOf(const State& state);

// Describes the first key in which the states differ; "" if they are equal.
std::string Difference(const State& expected, const State& actual);

}  // namespace rawkv::torture
