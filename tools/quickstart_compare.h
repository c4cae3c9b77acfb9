#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "tools/quickstart_history.h"

namespace rawkv::quickstart {

// What comparing versions with their origin found. Equal only if something says so: an empty store
// compared with an empty commit is equal, too, but counts as a version.
struct Comparison {
  uint64_t versions = 0;
  uint64_t keys = 0;  // equal, each read whole
  uint64_t value_bytes = 0;
  uint64_t bytewise = 0;  // values also compared byte by byte with the origin's
  uint64_t differences = 0;
  std::vector<std::string> examples;  // the first few differences

  bool equal() const { return differences == 0; }
  void Add(const Comparison& other);
  void AddDifference(std::string text);
};

// Walks the tip (no `view`) or a view from its first key to its last, beside the history's listing of
// step `number`: a key too many, one too few and a wrong value are differences. A value that the
// engine itself finds damaged is an error (kCorruption).
Result<Comparison> CompareAll(Engine& engine, std::shared_ptr<const ReadView> view, const History& history,
                              uint64_t number);

struct SpotCheck {
  uint64_t number = 0;
  uint64_t keys = 0;  // how many, spread over the listing
};
// Point reads of some keys, compared byte by byte with the origin's content.
Result<Comparison> CompareSome(Engine& engine, const ReadView* view, const History& history,
                               const SpotCheck& check);

// kCorruption, with the first differences, unless the comparison found none.
Status RequireEqual(const Comparison& comparison);

}  // namespace rawkv::quickstart
