// The harness detects failures.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/fs_ops.h"
#include "tests/fuzz/death.h"
#include "tests/fuzz/mutator.h"
#include "tests/fuzz/target.h"
#include "tests/support/temp_dir.h"

namespace rawkv::fuzz {
namespace {

// A decoder that allocates memory before it checks the length against the input.
Verdict AllocatesUncheckedLength(ConstBytes input) {
  if (input.size() < 4) return Verdict::kRefused;
  const std::vector<char> room(LoadLe<uint32_t>(input.data()) % (64u << 20));
  return room.size() == input.size() - 4 ? Verdict::kAccepted : Verdict::kRefused;
}

TEST(FuzzHarness, DisproportionateMemoryEndsTheProcess) {
  const Target target{.name = "planted", .run = AllocatesUncheckedLength};
  EXPECT_EQ(RunTarget(target, AsBytes(std::string("\3\0\0\0abc", 7))), Verdict::kAccepted);
  EXPECT_DEATH((void)RunTarget(target, AsBytes(std::string("\0\0\0\1abc", 7))),
               "7 bytes of input took 167[0-9]* bytes of heap");
}

TEST(FuzzHarness, InputThatEndedTheProcessIsKept) {
  const TempDir dir;
  EXPECT_DEATH(
      {
        ::setenv("TMPDIR", dir.path().c_str(), 1);
        SetCurrentInput("planted", AsBytes("poison"));
        RAWKV_CHECK(false, "planted");
      },
      "fuzz target planted died of 6 bytes of input; kept in .*/rawkv-fuzz-planted-");
  const auto kept = std::filesystem::directory_iterator(dir.path());
  ASSERT_NE(kept, std::filesystem::directory_iterator());
  EXPECT_EQ(*ReadFile(PosixFs(), kept->path(), 100), "poison");
}

TEST(FuzzHarness, RefusalsMustHaveOneOfTwoCodes) {
  CheckRefusal(Status::Corruption("c"));
  CheckRefusal(Status::NotSupported("n"));
  EXPECT_DEATH(CheckRefusal(Status::IoError("i")), "check failed");
  EXPECT_DEATH(CheckRefusal(Status::Ok()), "check failed");
}

// A mutator that never changes a field finds no error in it.
TEST(FuzzHarness, MutationsChangeEveryByteAndTheLength) {
  const std::vector<std::string> seeds{std::string(40, 'a'), std::string(20, 'b')};
  Mutator mutator(seeds, 64, 1);
  std::set<size_t> changed, lengths;
  std::set<std::string> distinct;
  for (int i = 0; i < 5000; ++i) {
    const std::string input = mutator.Next();
    ASSERT_LE(input.size(), 64u);
    lengths.insert(input.size());
    distinct.insert(input);
    for (size_t at = 0; at < input.size(); ++at) {
      if (input[at] != 'a' && input[at] != 'b') changed.insert(at);
    }
  }
  EXPECT_EQ(changed.size(), 64u);
  EXPECT_GT(lengths.size(), 50u);
  EXPECT_GT(distinct.size(), 3000u);
}

TEST(FuzzHarness, EqualSeedsGiveEqualMutations) {
  const std::vector<std::string> seeds{"one", "another"};
  Mutator a(seeds, 64, 7), b(seeds, 64, 7), c(seeds, 64, 8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::string input = a.Next();
    EXPECT_EQ(input, b.Next());
    differs = differs || input != c.Next();
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace rawkv::fuzz
