#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/export.h"

namespace rawkv {

// What the caller can do about an error; the message says where it happened and what to do.
enum class StatusCode : uint8_t {
  kOk = 0,
  kNotFound,            // no such key; nothing is wrong
  kInvalidArgument,     // the call is wrong; change it
  kFailedPrecondition,  // the store's state forbids it; the message says what would have to change
  kVersionUnreachable,  // never made, or no longer retained
  kBusy,                // held by someone else; try later
  kNoSpace,             // device or filesystem full; nothing was lost
  kCorruption,          // bytes on disk are not what was written
  kIoError,             // the operating system or device refused
  kNotSupported,        // a newer format, or a feature this build or machine lacks
  kPoisoned,            // an earlier sync failed; reopen the store (invariant 10)
  kInternal,            // a bug in rawkv
};

// Stable lower-case name ("corruption"), for logs and messages.
RAWKV_EXPORT std::string_view StatusCodeName(StatusCode code);

// A result without a value. Cheap when ok (one pointer, null). Thread-compatible; immutable once
// made, so copies may be shared between threads.
class [[nodiscard]] RAWKV_EXPORT Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);

  static Status Ok() { return {}; }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status InvalidArgument(std::string m) { return {StatusCode::kInvalidArgument, std::move(m)}; }
  static Status FailedPrecondition(std::string m) { return {StatusCode::kFailedPrecondition, std::move(m)}; }
  static Status VersionUnreachable(std::string m) { return {StatusCode::kVersionUnreachable, std::move(m)}; }
  static Status Busy(std::string m) { return {StatusCode::kBusy, std::move(m)}; }
  static Status NoSpace(std::string m) { return {StatusCode::kNoSpace, std::move(m)}; }
  static Status Corruption(std::string m) { return {StatusCode::kCorruption, std::move(m)}; }
  static Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
  static Status NotSupported(std::string m) { return {StatusCode::kNotSupported, std::move(m)}; }
  static Status Poisoned(std::string m) { return {StatusCode::kPoisoned, std::move(m)}; }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

  // kIoError by a refusal (see refused()).
  static Status Refused(std::string m);

  // From an errno value: ENOSPC, EDQUOT and EFBIG (the process's limit of file size) are kNoSpace, ENOENT is
  // kNotFound, EWOULDBLOCK on a lock is for the caller to judge; all else is kIoError, refused() where
  // base/refusal.h says so. `what` names the operation and the path.
  static Status FromErrno(int error, std::string_view what);

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ == nullptr ? StatusCode::kOk : state_->code; }
  // The operating system refused the call: permission, open files, memory (base/refusal.h). The error
  // proves nothing about the bytes on disk, so a check must not report it as damage and a repair must
  // not act on it. A kIoError that is not refused() is a failure of the medium.
  bool refused() const { return state_ != nullptr && state_->refused; }
  // There was no room, or the operating system refused() the call: of an operation that first opens or makes
  // a file, nothing was done, and the same call succeeds once the cause is gone.
  bool lacks_resource() const;
  const std::string& message() const;
  // "corruption: wal/000…: …", or "ok".
  std::string ToString() const;

  // The same error with "context: " in front of its message; ok stays ok. Once a layer.
  Status WithContext(std::string_view context) const;

 private:
  struct State {
    StatusCode code;
    std::string message;
    bool refused = false;
  };
  std::shared_ptr<const State> state_;
};

}  // namespace rawkv

#define RAWKV_CONCAT_INNER(a, b) a##b
#define RAWKV_CONCAT(a, b) RAWKV_CONCAT_INNER(a, b)

// Leaves the enclosing function with the status of `expr` unless it is ok.
#define RAWKV_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                  \
    if (::rawkv::Status rawkv_error_ = (expr); !rawkv_error_.ok()) return rawkv_error_; \
  } while (false)
