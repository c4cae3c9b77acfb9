#include "tools/ctl/near_name.h"

#include <gtest/gtest.h>

#include "tools/ctl/command_table.h"

namespace rawkv::ctl {
namespace {

TEST(NearName, SuggestsWhatATypingErrorAway) {
  const std::vector<std::string> words = CommandWords();
  EXPECT_EQ(DidYouMean("rolback", words), "; did you mean 'rollback'?");
  EXPECT_EQ(DidYouMean("snapshots", words), "; did you mean 'snapshot'?");
  EXPECT_EQ(DidYouMean("gte", words), "");
  EXPECT_EQ(DidYouMean("gett", words), "; did you mean 'get'?");
  EXPECT_EQ(DidYouMean("imp", words), "; did you mean 'import'?");
}

TEST(NearName, KeepsSilentOtherwise) {
  const std::vector<std::string> words = CommandWords();
  EXPECT_EQ(DidYouMean("frobnicate", words), "");
  EXPECT_EQ(DidYouMean("", words), "");
  EXPECT_EQ(DidYouMean(std::string(100000, 'x'), words), "");
}

}  // namespace
}  // namespace rawkv::ctl
