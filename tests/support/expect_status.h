#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

// Assertions about a Status, Result or CommitResult. A failure prints the status.
#define ASSERT_OK(expr) ASSERT_TRUE(::rawkv::IsOk(expr))
#define EXPECT_OK(expr) EXPECT_TRUE(::rawkv::IsOk(expr))
// ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine->Info()): binds the value, or fails and returns.
#define ASSERT_OK_AND_ASSIGN(decl, ...) \
  ASSERT_OK_AND_ASSIGN_IMPL(RAWKV_CONCAT(rawkv_result_, __LINE__), decl, __VA_ARGS__)
#define ASSERT_OK_AND_ASSIGN_IMPL(tmp, decl, ...) \
  auto tmp = (__VA_ARGS__);                       \
  ASSERT_OK(tmp);                                 \
  decl = std::move(tmp).value()
// Expects this code, and a message that contains each of the given texts.
#define EXPECT_STATUS(expr, code, ...) EXPECT_TRUE(::rawkv::HasStatus(expr, code, {__VA_ARGS__}))
#define ASSERT_STATUS(expr, code, ...) ASSERT_TRUE(::rawkv::HasStatus(expr, code, {__VA_ARGS__}))

namespace rawkv {

inline const Status& StatusOf(const Status& status) {
  return status;
}
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}
template <typename T>
requires requires(const T& result) {
  result.status.ok();
}
const Status& StatusOf(const T& result) {  // CommitResult
  return result.status;
}

template <typename T>
testing::AssertionResult IsOk(const T& result) {
  const Status& status = StatusOf(result);
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.ToString();
}

template <typename T>
testing::AssertionResult HasStatus(const T& result, StatusCode code,
                                   std::initializer_list<std::string_view> pieces) {
  const Status& status = StatusOf(result);
  if (status.code() != code) {
    return testing::AssertionFailure()
           << "expected " << StatusCodeName(code) << ", got " << status.ToString();
  }
  for (const std::string_view piece : pieces) {
    if (status.message().find(piece) == std::string::npos) {
      return testing::AssertionFailure() << "\"" << piece << "\" is not in: " << status.ToString();
    }
  }
  return testing::AssertionSuccess();
}

// Lets GoogleTest print versions as numbers.
inline void PrintTo(Version version, std::ostream* out) {
  *out << version.value();
}

}  // namespace rawkv
