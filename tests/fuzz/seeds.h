#pragma once

#include <map>
#include <string>
#include <vector>

namespace rawkv::fuzz {

// Inputs by target, each accepted by its decoder: files, records and rows of stores that are made for the
// purpose in a temporary directory, driven through all that leaves something on disk, and taken apart.
using Seeds = std::map<std::string, std::vector<std::string>>;
Seeds MakeSeeds();

// Files of tests/fuzz/regressions/<target>: what once brought a decoder down.
std::vector<std::string> Regressions(const std::string& target);

}  // namespace rawkv::fuzz
