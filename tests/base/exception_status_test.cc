#include "base/exception_status.h"
#include "tests/support/expect_status.h"

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
  EXPECT_STATUS(status, StatusCode::kIoError, "out of memory");
}

TEST(ExceptionStatus, LackOfThreadsIsAnIoErrorThatNamesTheLimit) {
  const auto call = []() -> Result<int> {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  };
  const Status status = NoThrow(call).status();
  EXPECT_STATUS(status, StatusCode::kIoError, "ulimit -u");
}

TEST(ExceptionStatus, AnyOtherExceptionIsInternal) {
  const Status known = NoThrow([]() -> Status { throw std::out_of_range("at 7"); });
  EXPECT_STATUS(known, StatusCode::kInternal, "at 7");
  EXPECT_EQ(NoThrow([]() -> Status { throw 7; }).code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace rawkv
