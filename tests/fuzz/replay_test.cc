// Runs the fuzz targets in the suite on seeds, regressions and a fixed number of random mutations, the same
// in each run (RAWKV_FUZZ_SEED and RAWKV_FUZZ_MUTATIONS choose others). Longer runs with libFuzzer:
// tools/run-fuzz.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/fuzz/death.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/target.h"

namespace rawkv::fuzz {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

const std::vector<std::string>& SeedsOf(const Target& target) {
  static const Seeds seeds = MakeSeeds();
  static const std::vector<std::string> none;
  const auto found = seeds.find(std::string(target.name));
  return found == seeds.end() ? none : found->second;
}

class Replay : public ::testing::TestWithParam<Target> {
 protected:
  static Verdict RunCurrent(const std::string& input) {
    SetCurrentInput(GetParam().name, AsBytes(input));
    const Verdict verdict = RunTarget(GetParam(), AsBytes(input));
    SetCurrentInput({}, {});
    return verdict;
  }
};

TEST_P(Replay, AcceptsWrittenInputs) {
  const std::vector<std::string>& seeds = SeedsOf(GetParam());
  ASSERT_FALSE(seeds.empty());
  for (size_t i = 0; i < seeds.size(); ++i) {
    EXPECT_LE(seeds[i].size(), GetParam().input_bytes_max) << "seed " << i;
    EXPECT_TRUE(RunCurrent(seeds[i]) == Verdict::kAccepted) << "seed " << i << ": " << seeds[i];
  }
}

TEST_P(Replay, WithstandsDamage) {
  for (const std::string& input : Regressions(std::string(GetParam().name))) RunCurrent(input);
  RunCurrent("");
  const uint64_t random_seed = FromEnvironment("RAWKV_FUZZ_SEED", 1);
  const uint64_t mutations = FromEnvironment("RAWKV_FUZZ_MUTATIONS", RAWKV_FUZZ_MUTATIONS);
  Mutator mutator(SeedsOf(GetParam()), GetParam().input_bytes_max, random_seed);
  uint64_t refused = 0, accepted = 0;
  for (uint64_t i = 0; i < mutations; ++i) {
    const Verdict verdict = RunCurrent(mutator.Next());
    refused += verdict == Verdict::kRefused ? 1 : 0;
    accepted += verdict == Verdict::kAccepted ? 1 : 0;
  }
  RecordProperty("random_seed", std::to_string(random_seed));
  RecordProperty("mutations", std::to_string(mutations));
  RecordProperty("refused", std::to_string(refused));
  RecordProperty("accepted", std::to_string(accepted));
  EXPECT_LT(accepted, mutations) << "the decoder accepts everything, or the mutator changes nothing";
  // Some mutations must get past the checksums and lengths.
  EXPECT_LT(refused, mutations - mutations / 1000) << "too few inputs got past checksums and lengths";
}

INSTANTIATE_TEST_SUITE_P(, Replay, ::testing::ValuesIn(Targets().begin(), Targets().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rawkv::fuzz
