#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rawkv::bench {

// What the figures depend on besides the programs, in the order in which it is shown.
struct Machine {
  std::vector<std::pair<std::string, std::string>> facts;
};

// The facts that can be read; a fact that this system does not give is "unknown". `dir` is where the peers
// keep their files.
Machine ReadMachine(const std::string& dir);
// The load averages of the last 1, 5 and 15 minutes.
std::string LoadAverage();

}  // namespace rawkv::bench
