#include <filesystem>

#include "tests/support/flip_byte.h"
#include "tests/tools/ctl_fixture.h"

// rawkv-ctl checkpoint and rebuild.
namespace rawkv::ctl {
namespace {

constexpr uint64_t kRegionOffset = 8192, kRegionBytes = 128 << 10;

class CtlCheckpoint : public CtlTest {
 protected:
  void SetUp() override {
    Format({"--device=" + device_, "--capacity=16MiB", "--meta_total_bytes=128KiB"});
    Commit(3);
  }
  Args Rebuild(const Args& more = {}) const {
    Args args = {"rebuild", "--device=" + device_, "--store=" + File("new")};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  const std::string device_ = File("device");
};

TEST_F(CtlCheckpoint, CheckpointPrintsItsVersion) {
  EXPECT_EQ(Ok({"checkpoint"}), "3\n");
  EXPECT_EQ(Ok({"checkpoint", "--json"}), "{\"version\":3}\n");
  const Json checkpoint = OkJson({"info"})["checkpoint"];
  EXPECT_EQ(Fields(checkpoint),
            (Args{"version", "created_unix_ms", "records", "bytes", "bytes_max", "error"}));
  EXPECT_EQ(checkpoint["version"], 3);
  EXPECT_EQ(checkpoint["records"], 3);
  EXPECT_EQ(checkpoint["error"], "");
}

TEST_F(CtlCheckpoint, RebuildMakesALostDirectoryAgain) {
  std::filesystem::rename(store(), File("lost"));
  const CtlResult made = RunCtl(Rebuild({"--json", "--deep", "--from=checkpoint"}));
  ASSERT_EQ(made.status, 0) << made.err;
  const Json report = Json::parse(made.out);
  EXPECT_EQ(Fields(report), (Args{"store_uuid", "device_uuid", "device", "version", "checkpoint_unix_ms",
                                  "keys", "slots", "verified", "refused", "damaged"}));
  EXPECT_EQ(report["version"], 3);
  EXPECT_EQ(report["keys"], 3);
  EXPECT_EQ(report["verified"], true);
  std::filesystem::rename(File("new"), store());
  EXPECT_EQ(Ok({"get", "k0"}), ValueAt(3));
  EXPECT_EQ(OkJson({"fsck", "--deep"})["ok"], true);
  EXPECT_EQ(RunCtl({"get", "k0", "--store=" + File("lost")}).status, 3) << "the lost directory came back";
}

TEST_F(CtlCheckpoint, DamagedHalvesAndPayloadsAreListed) {
  Ok({"put", "k", "v"});                                 // so both halves have a checkpoint
  FlipByte(device_, kRegionOffset + 100);                // the header of one half
  FlipByte(device_, kRegionOffset + kRegionBytes + 10);  // slot 0, which the first version wrote
  const CtlResult made = RunCtl(Rebuild({"--json", "--deep"}));
  EXPECT_EQ(made.status, 1) << made.err;
  const Json report = Json::parse(made.out);
  ASSERT_EQ(report["refused"].size(), 1u);
  EXPECT_EQ(report["refused"][0]["what"], "checkpoint A of " + device_);
  ASSERT_EQ(report["damaged"].size(), 1u);
  EXPECT_EQ(report["damaged"][0]["key_b64"], "azE=");  // k1
  SkipFinalCheck();
}

TEST_F(CtlCheckpoint, RefusalsEndWith3AndMakeNothing) {
  EXPECT_TRUE(EndedWith(RunCtl({"rebuild", "--device=" + device_, "--store=" + store()}), 3,
                        "holds a store already"));
  EXPECT_TRUE(EndedWith(RunCtl(Rebuild({"--device=" + File("absent")})), 3, "rebuild: "));
  EXPECT_TRUE(EndedWith(RunCtl(Rebuild({"--from=scan"})), 3, "--from=scan is not supported"));
  Ok({"format", "--store=" + File("plain"), "--device=" + File("plain.dev"), "--capacity=16MiB"});
  EXPECT_TRUE(EndedWith(RunCtl(Rebuild({"--device=" + File("plain.dev")})), 3, "no whole checkpoint"));
  EXPECT_TRUE(EndedWith(RunCtl({"checkpoint", "--store=" + File("plain")}), 3, "makes no checkpoints"));
  EXPECT_FALSE(std::filesystem::exists(File("new")));
}

}  // namespace
}  // namespace rawkv::ctl
