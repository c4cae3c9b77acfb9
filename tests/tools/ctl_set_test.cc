// set: settings that the store keeps.

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlSet : public CtlTest {};

TEST_F(CtlSet, EverySettingIsChangedShownAndKept) {
  Format();
  EXPECT_EQ(Ok({"set", "keep_for=7d"}),
            "durability=synced\nsnapshot_interval=10000\nsnapshot_log_bytes=67108864\nkeep_recent=2\nkeep_"
            "for=7d\nwal_segment_bytes="
            "67108864\nundo_versions=128\n");
  const Json changed = OkJson({"set", "snapshot_interval=100", "keep_recent=5", "wal_segment_bytes=1MiB",
                               "durability=unsafe_unsynced"});
  EXPECT_EQ(
      changed,
      Json::parse(
          R"({"durability":"unsafe_unsynced","snapshot_interval":100,"snapshot_log_bytes":67108864,"keep_recent":5,)"
          R"("keep_for_seconds":604800,"wal_segment_bytes":1048576,"undo_versions":128})"));
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["durability"], "unsafe_unsynced");
  EXPECT_EQ(
      info["settings"],
      Json::parse(
          R"({"snapshot_interval":100,"snapshot_log_bytes":67108864,"keep_recent":5,"keep_for_seconds":604800,)"
          R"("wal_segment_bytes":1048576,"undo_versions":128})"));
  EXPECT_NE(Ok({"info"}).find(
                "a snapshot every 100 versions; the newest and 5 more of them, and all versions of the "
                "last 7d\n"),
            std::string::npos);
  Ok({"set", "keep_for=0", "snapshot_interval=0"});
  EXPECT_NE(Ok({"info"}).find("no automatic snapshots; the newest and 5 more of them\n"), std::string::npos);
}

TEST_F(CtlSet, RefusesWhatIsNotASettingAndChangesNothing) {
  Format();
  for (const char* wrong : {"keep_for", "=1", "slot_bytes=4096", "keep_for=7", "keep_recent=many",
                            "keep_recent=1000001", "wal_segment_bytes=5", "keep for=7d"}) {
    EXPECT_TRUE(EndedWith(Run({"set", "snapshot_interval=5", wrong}), 2, "")) << wrong;
  }
  EXPECT_TRUE(EndedWith(Run({"set"}), 2, "SETTING=VALUE"));
  EXPECT_EQ(OkJson({"info"})["settings"]["snapshot_interval"], 10000);
}

}  // namespace
}  // namespace rawkv::ctl
