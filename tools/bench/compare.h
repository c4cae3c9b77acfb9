#pragma once

#include <string>

#include "tools/bench/results.h"

namespace rawkv::bench {

struct Comparison {
  std::string text;  // a Markdown table of the figures that differ, and how many there are of each kind
  uint64_t better = 0, worse = 0, same = 0;
  uint64_t only_in_one = 0;
};

// Compares the figures that both runs have. Two figures differ if the ranges of their samples do not overlap.
Comparison Compare(const Results& before, const Results& after);

}  // namespace rawkv::bench
