#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace rawkv {
namespace {

Result<std::unique_ptr<int>> Make(int value) {
  if (value < 0) return Status::InvalidArgument("negative");
  return std::make_unique<int>(value);
}

Result<int> Doubled(int value) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<int> made, Make(value));
  return *made * 2;
}

TEST(Result, HoldsAMoveOnlyValue) {
  Result<std::unique_ptr<int>> result = Make(4);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.status().ok());
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 4);
}

TEST(Result, AssignOrReturnBindsOrReturns) {
  EXPECT_EQ(*Doubled(21), 42);
  const Result<int> failed = Doubled(-1);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(failed.status().message(), "negative");
}

TEST(ResultDeathTest, ValueOfAnErrorAndOkStatusAsErrorAbort) {
  const Result<int> failed = Doubled(-1);
  EXPECT_DEATH((void)failed.value(), "check failed.*negative");
  EXPECT_DEATH(Result<int>{Status::Ok()}.ok(), "needs an error");
}

}  // namespace
}  // namespace rawkv
