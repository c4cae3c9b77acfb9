// Runs the built rawkv-torture as a user does.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/loop_device.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/ctl_process.h"

namespace rawkv::torture {
namespace {

namespace stdfs = std::filesystem;

class TortureProgramTest : public testing::Test {
 protected:
  // TMPDIR is a directory of the test, so that the test can check that the program leaves nothing in it.
  ctl::CtlResult Torture(const std::vector<std::string>& arguments) {
    stdfs::create_directory(scratch_.File("tmp"));
    return ctl::RunCtl(arguments, {.environment = {"TMPDIR=" + scratch_.File("tmp")}});
  }
  void ExpectNothingLeft() { EXPECT_TRUE(stdfs::is_empty(scratch_.File("tmp"))); }

  void ExpectKept(const ctl::CtlResult& run, uint64_t kills) {
    ASSERT_EQ(run.status, 0) << run.out << run.err;
    const auto report = nlohmann::json::parse(run.out);
    EXPECT_EQ(report["result"], "kept");
    EXPECT_GE(report["kills"], kills);
    EXPECT_EQ(report["kills"],
              report["kills_synced"].get<uint64_t>() + report["kills_unsafe_unsynced"].get<uint64_t>());
    EXPECT_GT(report["commits"], kills);
    EXPECT_GE(report["versions"], report["rounds"]);
    EXPECT_GT(report["value_bytes"], 0);
    ExpectNothingLeft();
  }

  const TempDir scratch_;
};

TEST_F(TortureProgramTest, KillsOnAFileLoseNothing) {
  ExpectKept(Torture({"--kills=30", "--seed=20260901", "--json"}), 30);
}

TEST_F(TortureProgramTest, KillsOnALoopDeviceLoseNothing) {
  const std::string backing = scratch_.File("backing");
  std::ofstream(backing).close();
  stdfs::resize_file(backing, 256 << 20);
  const Result<LoopDevice> loop = LoopDevice::Attach(backing);
  if (!loop.ok()) GTEST_SKIP() << loop.status().ToString();
  const ctl::CtlResult refused = Torture({"--kills=1", "--device=" + loop->path()});
  EXPECT_EQ(refused.status, 3) << refused.err;
  EXPECT_NE(refused.err.find("is a block device; give --yes"), std::string::npos) << refused.err;
  ExpectKept(Torture({"--kills=20", "--seed=20260902", "--json", "--device=" + loop->path(), "--yes"}), 20);
}

TEST_F(TortureProgramTest, OptionsFixDurabilityEngineAndCapacity) {
  const std::string dir = scratch_.File("here");
  const ctl::CtlResult run = Torture({"--kills=3", "--seed=5", "--durability=unsafe_unsynced",
                                      "--engine=posix", "--dir=" + dir, "--keep", "--capacity=128MiB"});
  ASSERT_EQ(run.status, 0) << run.out << run.err;
  EXPECT_NE(run.out.find("(0 synced, "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("nothing acknowledged was lost, nothing was partly done; seed 5"),
            std::string::npos);
  EXPECT_EQ(stdfs::file_size(dir + "/store/device.img"), 128u << 20);
  EXPECT_EQ(Torture({"--kills=1", "--dir=" + dir}).status, 3);
}

TEST_F(TortureProgramTest, UsedDeviceIsNotOverwrittenWithoutConfirmation) {
  const std::string device = scratch_.File("device");
  ASSERT_EQ(Torture({"--kills=1", "--device=" + device, "--keep", "--capacity=64MiB"}).status, 0);
  const auto before = stdfs::last_write_time(device);
  const ctl::CtlResult refused = Torture({"--kills=1", "--device=" + device});
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("refused (no confirmation)"), std::string::npos) << refused.err;
  EXPECT_EQ(stdfs::last_write_time(device), before);
}

TEST_F(TortureProgramTest, InvalidOptionsEndWith2) {
  for (const char* wrong : {"--kill=-1", "--minutes=x", "--durability=mostly", "--engine=fast", "--what",
                            "here", "--capacity=1Z"}) {
    const ctl::CtlResult run = Torture({wrong});
    EXPECT_EQ(run.status, 2) << wrong << ": " << run.out << run.err;
    EXPECT_NE(run.err, "");
  }
  EXPECT_EQ(Torture({"--help"}).status, 0);
}

TEST_F(TortureProgramTest, MissingEngineIsRefused) {
  EXPECT_EQ(Torture({"--kills=1", "--engine=nvme"}).status, 3);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace rawkv::torture
