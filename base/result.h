#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace rawkv {

// A value, or the Status that explains why there is no value. Thread-compatible.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    RAWKV_CHECK(!status_.ok(), "a Result without a value needs an error");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // The value. The caller must have checked ok().
  T& value() & {
    RAWKV_CHECK(ok(), status_.message().c_str());
    return *value_;
  }
  const T& value() const& {
    RAWKV_CHECK(ok(), status_.message().c_str());
    return *value_;
  }
  T&& value() && {
    RAWKV_CHECK(ok(), status_.message().c_str());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace rawkv

// RAWKV_ASSIGN_OR_RETURN(auto file, fs.Open(...)): binds the value, or returns the error.
#define RAWKV_ASSIGN_OR_RETURN(decl, expr) \
  RAWKV_ASSIGN_OR_RETURN_IMPL(RAWKV_CONCAT(rawkv_result_, __LINE__), decl, expr)
#define RAWKV_ASSIGN_OR_RETURN_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return tmp.status();                \
  decl = std::move(tmp).value()
