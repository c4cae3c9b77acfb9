#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace rawkv::fuzz {

// Damages inputs at random and repeatably. It replaces libFuzzer in the test suite, without its feedback from
// coverage. Random numbers use a modulus instead of a distribution, because another library version may give
// other results for a distribution.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& seeds, uint64_t input_bytes_max, uint64_t random_seed)
      : seeds_(seeds), input_bytes_max_(input_bytes_max), random_(random_seed) {}

  // Returns one of the seeds with one to four changes.
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
