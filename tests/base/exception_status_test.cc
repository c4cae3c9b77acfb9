#include "base/exception_status.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace rawkv {
namespace {

TEST(ExceptionStatus, NoThrowReturnsTheResultOfTheCall) {
  EXPECT_TRUE(NoThrow([] { return Status::Ok(); }).ok());
  const Result<int> seven = NoThrow([]() -> Result<int> { return 7; });
  ASSERT_TRUE(seven.ok());
  EXPECT_EQ(*seven, 7);
}

TEST(ExceptionStatus, LackOfMemoryIsAnIoErrorThatNamesIt) {
  const Status status = NoThrow([]() -> Status { throw std::bad_alloc(); });
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("out of memory"), std::string::npos);
}

TEST(ExceptionStatus, LackOfThreadsIsAnIoErrorThatNamesTheLimit) {
  const auto call = []() -> Result<int> {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  };
  const Status status = NoThrow(call).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("ulimit -u"), std::string::npos);
}

TEST(ExceptionStatus, AnyOtherExceptionIsInternal) {
  const Status known = NoThrow([]() -> Status { throw std::out_of_range("at 7"); });
  EXPECT_EQ(known.code(), StatusCode::kInternal);
  EXPECT_NE(known.message().find("at 7"), std::string::npos);
  EXPECT_EQ(NoThrow([]() -> Status { throw 7; }).code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace rawkv
