// device trim.

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlDevice : public CtlTest {};

TEST_F(CtlDevice, TrimReportsWhatItDiscarded) {
  Format();
  Commit(4);
  const uint64_t free = OkJson({"info"})["slots"]["free"];
  EXPECT_EQ(OkJson({"device", "trim"}), Json({{"slots", free}, {"bytes", free * 4096}}));
  EXPECT_NE(Ok({"device", "trim"}).find(std::to_string(free) + " free slots discarded, "), std::string::npos);
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(4));
  EXPECT_TRUE(EndedWith(Run({"device", "trim", "--read_only"}), 3, "for reading only"));
}

}  // namespace
}  // namespace rawkv::ctl
