// The judge of the program must be able to fail: each fault that it plants in itself must end the run, and
// the report must name it. The runs leave out operations that could hide the fault.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <array>
#include <string>

#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

struct Outcome {
  int status = -1;  // exit status; -1 if a signal ended it
  std::string output;
};

class StressTest : public testing::Test {
 protected:
  Outcome Run(const std::string& arguments) {
    const std::string command = std::string("exec '") + RAWKV_STRESS_PATH +
                                "' --seed=7 --threads=10 --dir='" + dir_.path() + "' " + arguments + " 2>&1";
    Outcome out;
    FILE* pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) return out;
    std::array<char, 4096> piece{};
    while (const size_t got = ::fread(piece.data(), 1, piece.size(), pipe))
      out.output.append(piece.data(), got);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status)) out.status = WEXITSTATUS(status);
    return out;
  }
  // Runs with a planted fault. The run ends when the judge detects the fault.
  Outcome RunWith(const std::string& plant) {
    return Run("--seconds=60 --without=rollback,copy,start_scrub,batch_twice --plant=" + plant);
  }

  TempDir dir_;
};

TEST_F(StressTest, UnexpectedValueIsAViolation) {
  const Outcome run = RunWith("lie");
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find(" differs"), std::string::npos) << run.output;
}

TEST_F(StressTest, UnacknowledgedCommitIsAViolation) {
  const Outcome run = RunWith("forget --stall-seconds=2");
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find("acknowledged commits lead to version"), std::string::npos) << run.output;
}

TEST_F(StressTest, ReadNewerThanVersionIsAViolation) {
  const Outcome run = RunWith("ahead");
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find("version()"), std::string::npos) << run.output;
}

TEST_F(StressTest, ScrubFindingIsAViolation) {
  const Outcome run = RunWith("finding");
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find("findings in a store that is whole"), std::string::npos) << run.output;
}

TEST_F(StressTest, GrowingDescriptorCountIsAViolation) {
  const Outcome run =
      Run("--seconds=60 --without=rollback,copy,scrub,batch_twice,tip_rule --plant=leak --reopen-seconds=1");
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find("descriptors grows"), std::string::npos) << run.output;
}

TEST_F(StressTest, HangingCallEndsTheRunWithStacks) {
  const Outcome run =
      Run("--seconds=60 --without=rollback,copy,scrub,batch_twice,tip_rule --plant=hang --call-seconds=3");
  EXPECT_EQ(run.status, -1) << run.output;
  EXPECT_NE(run.output.find("a call took longer than 3 s"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("Get that never returns"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("stacks of all threads"), std::string::npos) << run.output;
}

TEST_F(StressTest, UnknownArgumentIsRefused) {
  const Outcome run = Run("--no-such-thing=1");
  EXPECT_EQ(run.status, 2) << run.output;
  EXPECT_NE(run.output.find("is not understood"), std::string::npos) << run.output;
}

TEST_F(StressTest, DeviceIsOverwrittenOnlyOnRequest) {
  const Outcome run = Run("--device=/dev/null");
  EXPECT_EQ(run.status, 2) << run.output;
  EXPECT_NE(run.output.find("--yes"), std::string::npos) << run.output;
}

}  // namespace
}  // namespace rawkv
