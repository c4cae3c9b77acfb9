#pragma once

#include <map>
#include <string>
#include <vector>

namespace rawkv::fuzz {

// Inputs by target. The decoder accepts each of them. They are files, records and rows of stores that are
// made in a temporary directory and that run every operation with an effect on disk.
using Seeds = std::map<std::string, std::vector<std::string>>;
Seeds MakeSeeds();

// The files of tests/fuzz/regressions/<target>: inputs that once made the decoder fail.
std::vector<std::string> Regressions(const std::string& target);

}  // namespace rawkv::fuzz
