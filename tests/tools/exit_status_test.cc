#include "tools/cli/exit_status.h"

#include <gtest/gtest.h>

namespace rawkv::ctl {
namespace {

TEST(ExitStatus, IsFixedForEveryCode) {
  const std::pair<StatusCode, int> expected[] = {{StatusCode::kNotFound, 1},
                                                 {StatusCode::kInvalidArgument, 2},
                                                 {StatusCode::kFailedPrecondition, 3},
                                                 {StatusCode::kVersionUnreachable, 3},
                                                 {StatusCode::kBusy, 3},
                                                 {StatusCode::kNotSupported, 3},
                                                 {StatusCode::kCorruption, 4},
                                                 {StatusCode::kIoError, 5},
                                                 {StatusCode::kNoSpace, 5},
                                                 {StatusCode::kPoisoned, 5},
                                                 {StatusCode::kInternal, 70}};
  for (const auto& [code, exit_status] : expected) {
    EXPECT_EQ(static_cast<int>(ExitStatusOf(Status(code, "x"))), exit_status) << StatusCodeName(code);
  }
  EXPECT_EQ(ExitStatusOf(Status::Ok()), ExitStatus::kDone);
}

TEST(ExitStatus, DistinguishesAbsentStoresFromAbsentKeys) {
  EXPECT_EQ(ExitStatusOf(TurnAbsentIntoRefused(Status::NotFound("store"))), ExitStatus::kRefused);
  EXPECT_EQ(ExitStatusOf(TurnAbsentIntoRefused(Status::Corruption("x"))), ExitStatus::kCorruption);
  EXPECT_TRUE(TurnAbsentIntoRefused(Status::Ok()).ok());
}

TEST(ExitStatus, ErrorTextIsOneLineAndNamesSevereErrors) {
  EXPECT_EQ(ErrorText(Status::InvalidArgument("no\nsuch")), "no\\nsuch");
  EXPECT_EQ(ErrorText(Status::Corruption("wal/1.log: bad")), "corruption: wal/1.log: bad");
}

}  // namespace
}  // namespace rawkv::ctl
