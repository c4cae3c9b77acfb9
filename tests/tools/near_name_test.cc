#include "tools/cli/near_name.h"

#include <gtest/gtest.h>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

TEST(NearName, SuggestsACandidateOneTypingErrorAway) {
  const std::vector<std::string> words = CommandWords();
  EXPECT_EQ(SuggestName("rolback", words), "; did you mean 'rollback'?");
  EXPECT_EQ(SuggestName("snapshots", words), "; did you mean 'snapshot'?");
  EXPECT_EQ(SuggestName("gte", words), "");
  EXPECT_EQ(SuggestName("gett", words), "; did you mean 'get'?");
  EXPECT_EQ(SuggestName("imp", words), "; did you mean 'import'?");
}

TEST(NearName, SuggestsNothingForOtherNames) {
  const std::vector<std::string> words = CommandWords();
  EXPECT_EQ(SuggestName("frobnicate", words), "");
  EXPECT_EQ(SuggestName("", words), "");
  EXPECT_EQ(SuggestName(std::string(100000, 'x'), words), "");
}

}  // namespace
}  // namespace rawkv::ctl
