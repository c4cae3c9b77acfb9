// device trim, device grow, and a metadata directory that is older than its device.

#include <filesystem>

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

TEST_F(CtlDevice, GrowGivesMoreSlotsAtOnce) {
  Format();
  Commit(2);
  const Json before = OkJson({"info"});
  const uint64_t slots = before["slots"]["total"];
  const uint64_t capacity = before["device"]["capacity_bytes"];
  EXPECT_EQ(OkJson({"device", "grow", "--size=" + std::to_string(capacity + 40960)}),
            Json({{"capacity_bytes", capacity + 40960}, {"slots", slots + 10}, {"slots_before", slots}}));
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["slots"]["total"], slots + 10);
  EXPECT_EQ(info["device"]["capacity_bytes"], capacity + 40960);
  EXPECT_NE(Ok({"device", "grow"}).find("no room for more slots"), std::string::npos);
  std::filesystem::resize_file(store() + "/device.img", capacity + 81920);
  EXPECT_NE(Ok({"device", "grow"}).find("10 slots more, " + std::to_string(slots + 20) + " now"),
            std::string::npos);
  EXPECT_TRUE(EndedWith(Run({"device", "grow", "--size=1MiB"}), 2, std::to_string(capacity + 81920)));
  EXPECT_TRUE(EndedWith(Run({"device", "grow", "--read_only"}), 3, "for reading only"));
  EXPECT_EQ(Ok({"get", "k1"}), ValueAt(1));
}

TEST_F(CtlDevice, OlderStoreIsReadWhereThatIsAccepted) {
  Format({"--device=" + File("device"), "--capacity=16MiB"});
  Commit(3);
  std::filesystem::copy(
      store(), File("backup"),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  Ok({"put", "k0", "new"});
  Ok({"put", "k0", "newer"});
  std::filesystem::rename(store(), File("newest"));
  std::filesystem::rename(File("backup"), store());
  for (const Args& command : {Args{"get", "k1"}, Args{"scan"}, Args{"dump"}, Args{"stats"}}) {
    EXPECT_TRUE(EndedWith(Run(command), 3, "--accept_older_store")) << command[0];
    Args accepted = command;
    accepted.push_back("--accept_older_store");
    EXPECT_EQ(Run(accepted).status, 0) << command[0];
  }
  EXPECT_EQ(Run({"get", "k1", "--accept_older_store"}).out, ValueAt(1));
  EXPECT_EQ(OkJson({"info", "--accept_older_store"})["version"], 3);
  EXPECT_EQ(Run({"export", "--version=2", "--out=" + File("out"), "--accept_older_store"}).status, 0);
  EXPECT_TRUE(EndedWith(Run({"put", "k", "v", "--accept_older_store"}), 2, "read_only"));
  std::filesystem::remove_all(store());
  std::filesystem::rename(File("newest"), store());
  EXPECT_EQ(Ok({"get", "k0"}), "newer");
}

}  // namespace
}  // namespace rawkv::ctl
