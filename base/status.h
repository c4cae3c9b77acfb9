#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/export.h"

namespace rawkv {

// The kind of an error, by which the caller decides what to do. The message names the place and the remedy.
enum class StatusCode : uint8_t {
  kOk = 0,
  kNotFound,            // no such key, file or object
  kInvalidArgument,     // an argument is invalid; change the call
  kFailedPrecondition,  // the present state forbids the call; the message names the condition
  kVersionUnreachable,  // the version was never made, or is no longer kept
  kBusy,                // another user holds the object; try again later
  kNoSpace,             // device or filesystem full; nothing was lost
  kCorruption,          // bytes on disk differ from those that were written
  kIoError,             // the operating system or the device failed or refused the call
  kNotSupported,        // a newer format, or a feature this build or machine lacks
  kPoisoned,            // an earlier sync failed; reopen the store (invariant 10)
  kInternal,            // a bug in rawkv
};

// Stable lower-case name ("corruption"), for logs and messages.
RAWKV_EXPORT std::string_view StatusCodeName(StatusCode code);

// A result without a value. An ok Status is one null pointer. Thread-compatible; a Status never changes once
// it is made, so threads may share copies.
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

  // A kIoError that is refused().
  static Status Refused(std::string m);

  // Converts an errno value. ENOSPC, EDQUOT and EFBIG (the process's limit of file size) become kNoSpace, and
  // ENOENT becomes kNotFound. All others become kIoError, which is refused() for the values that
  // base/refusal.h lists. A caller that takes a lock must handle EWOULDBLOCK itself. `what` names the
  // operation and the path.
  static Status FromErrno(int error, std::string_view what);

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ == nullptr ? StatusCode::kOk : state_->code; }
  // The operating system refused the call: permission, open files, memory (base/refusal.h). The error
  // proves nothing about the bytes on disk, so a check must not report it as damage and a repair must
  // not act on it. A kIoError that is not refused() is a failure of the medium.
  bool refused() const { return state_ != nullptr && state_->refused; }
  // There was no room, or the operating system refused() the call. An operation that begins by opening or
  // making a file has then done nothing, and the same call can succeed once the cause is gone.
  bool lacks_resource() const;
  const std::string& message() const;
  // "corruption: wal/000…: …", or "ok".
  std::string ToString() const;

  // Returns the same error with "context: " in front of its message; ok stays ok. Each layer adds context
  // once.
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

// Returns the status of `expr` from the enclosing function unless it is ok.
#define RAWKV_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                  \
    if (::rawkv::Status rawkv_error_ = (expr); !rawkv_error_.ok()) return rawkv_error_; \
  } while (false)
