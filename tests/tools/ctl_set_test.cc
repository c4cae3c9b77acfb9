// set: settings that the store keeps.

#include "tests/tools/ctl_fixture.h"

namespace rawkv::ctl {
namespace {

class CtlSet : public CtlTest {};

TEST_F(CtlSet, EverySettingIsChangedShownAndKept) {
  Format();
  EXPECT_EQ(Ok({"set", "keep_for=7d"}),
            "durability=synced\nsnapshot_interval=10000\nsnapshot_log_bytes=33554432\nkeep_recent=2\n"
            "keep_for=7d\nkeep_tiers=0\nhistory_bytes_max=0\nwal_segment_bytes=67108864\n"
            "undo_versions=128\n");
  const Json changed = OkJson({"set", "snapshot_interval=100", "keep_recent=5", "wal_segment_bytes=1MiB",
                               "durability=unsafe_unsynced", "keep_tiers=1h/1d,1d/30d",
                               "history_bytes_max=1GiB", "snapshot_log_bytes=0"});
  const Json settings = Json::parse(
      R"({"snapshot_interval":100,"snapshot_log_bytes":0,"keep_recent":5,"keep_for_seconds":604800,)"
      R"("keep_tiers":[{"every_seconds":3600,"for_seconds":86400},{"every_seconds":86400,"for_seconds":2592000}],)"
      R"("history_bytes_max":1073741824,"wal_segment_bytes":1048576,"undo_versions":128})");
  const Json info = OkJson({"info"});
  EXPECT_EQ(info["durability"], "unsafe_unsynced");
  EXPECT_EQ(info["settings"], settings);
  Json all{{"durability", "unsafe_unsynced"}};
  all.update(settings);
  EXPECT_EQ(changed, all);
  const std::string text = Ok({"info"});
  EXPECT_NE(text.find("one snapshot a period for a time: 1h/1d,1d/30d\n"), std::string::npos);
  EXPECT_NE(text.find("history of at most 1 GiB\n"), std::string::npos);
  Ok({"set", "keep_tiers=0", "history_bytes_max=0"});
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
                            "keep_recent=1000001", "wal_segment_bytes=5", "keep for=7d", "keep_tiers=1h",
                            "keep_tiers=1d/1h", "keep_tiers=1h/1d,1h/2d"}) {
    EXPECT_TRUE(EndedWith(Run({"set", "snapshot_interval=5", wrong}), 2, "")) << wrong;
  }
  EXPECT_TRUE(EndedWith(Run({"set"}), 2, "SETTING=VALUE"));
  EXPECT_EQ(OkJson({"info"})["settings"]["snapshot_interval"], 10000);
}

TEST_F(CtlSet, GivenUpHistoryIsShownUntilItIsAcknowledged) {
  Format({"--snapshot_interval=0", "--keep_recent=9"});
  EXPECT_EQ(OkJson({"info"})["given_up"], nullptr);
  EXPECT_EQ(Ok({"acknowledge"}), "0\n");
  for (int i = 0; i < 3; ++i) {
    Ok({"put", "k", std::string(4000, 'x')});
    Ok({"snapshot", "create"});
  }
  Ok({"set", "history_bytes_max=1"});
  Ok({"put", "k", std::string(4000, 'x')});
  Ok({"snapshot", "create"});
  const Json lost = OkJson({"info"})["given_up"];
  EXPECT_EQ(lost["first"], 0);
  EXPECT_EQ(lost["last"], 3);
  EXPECT_EQ(lost["versions"], 4);
  EXPECT_EQ(lost["cause"], "history_bytes_max");
  EXPECT_NE(Ok({"info"}).find("4 versions within 0 to 3"), std::string::npos);
  EXPECT_EQ(OkJson({"acknowledge"}), Json::parse(R"({"versions":4})"));
  EXPECT_EQ(OkJson({"info"})["given_up"], nullptr);
}

}  // namespace
}  // namespace rawkv::ctl
