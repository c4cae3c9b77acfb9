#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/engine.h"

// What a version holds, small enough to be remembered for every version: of each value its length and a
// checksum of its bytes.
namespace rawkv::torture {

struct ValueSum {
  uint64_t bytes = 0;
  uint64_t hash = 0;
  friend bool operator==(const ValueSum&, const ValueSum&) = default;
};
using State = std::map<std::string, ValueSum>;

// What the commit of this number makes of a state.
void ApplyScript(uint64_t nonce, State* state);

// Every key and every byte of a version, read from the store.
Result<State> ReadState(Engine& engine, const std::shared_ptr<const ReadView>& view);

// One number for a whole state; equal states have equal ones.
uint64_t DigestOf(const State& state);

// The first key in which they differ, in words; "" if they are equal.
std::string Difference(const State& expected, const State& actual);

}  // namespace rawkv::torture
