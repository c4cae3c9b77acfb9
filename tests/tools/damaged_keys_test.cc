#include "tools/ctl/damaged_keys.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace rawkv::ctl {
namespace {

TEST(DamagedKeys, OnlyAFailedChecksumOrAFailedMediumMeansThatAPayloadIsGone) {
  EXPECT_TRUE(IsPayloadGone(Status::Corruption("checksum")));
  EXPECT_TRUE(IsPayloadGone(Status::FromErrno(EIO, "read")));
  EXPECT_FALSE(IsPayloadGone(Status::Ok()));
  for (const int refusal : {EACCES, EPERM, EMFILE, ENFILE, ENOMEM}) {
    EXPECT_FALSE(IsPayloadGone(Status::FromErrno(refusal, "read"))) << refusal;
  }
  EXPECT_FALSE(IsPayloadGone(Status::FailedPrecondition("closed")));
  EXPECT_FALSE(IsPayloadGone(Status::NotFound("key")));
}

}  // namespace
}  // namespace rawkv::ctl
