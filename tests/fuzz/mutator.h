#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace rawkv::fuzz {

// Damages inputs at random, repeatably: the replay's stand-in for libFuzzer, blind to coverage. Random
// numbers are taken by modulus, not by a distribution, whose results a library may change.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& seeds, uint64_t input_bytes_max, uint64_t random_seed)
      : seeds_(seeds), input_bytes_max_(input_bytes_max), random_(random_seed) {}

  // One of the seeds with one to four changes.
  std::string Next();

 private:
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  void Change(std::string& input);
  void PutNumber(std::string& input);
  void Splice(std::string& input);

  const std::vector<std::string>& seeds_;  // at least one
  const uint64_t input_bytes_max_;
  std::mt19937_64 random_;
};

}  // namespace rawkv::fuzz
