#include "base/status.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/refusal.h"

namespace rawkv {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kFailedPrecondition:
      return "failed precondition";
    case StatusCode::kVersionUnreachable:
      return "version unreachable";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kNoSpace:
      return "no space";
    case StatusCode::kCorruption:
      return "corruption";
    case StatusCode::kIoError:
      return "io error";
    case StatusCode::kNotSupported:
      return "not supported";
    case StatusCode::kPoisoned:
      return "poisoned";
    case StatusCode::kInternal:
      return "internal error";
  }
  return "unknown";
}

Status::Status(StatusCode code, std::string message) {
  RAWKV_CHECK(code != StatusCode::kOk, "an ok Status has no message");
  state_ = std::make_shared<const State>(State{code, std::move(message)});
}

Status Status::Refused(std::string message) {
  Status status;
  status.state_ =
      std::make_shared<const State>(State{StatusCode::kIoError, std::move(message), /*refused=*/true});
  return status;
}

Status Status::FromErrno(int error, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error);
  if (const std::string_view advice = RefusalAdvice(error); !advice.empty()) {
    message += "; ";
    message += advice;
    return Refused(std::move(message));
  }
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return NoSpace(std::move(message));
    case EFBIG:
      return NoSpace(message + "; raise the limit of file size (ulimit -f)");
    case ENOENT:
      return NotFound(std::move(message));
    default:
      return IoError(std::move(message));
  }
}

bool Status::lacks_resource() const {
  return state_ != nullptr && (state_->code == StatusCode::kNoSpace || state_->refused);
}

const std::string& Status::message() const {
  // Never destroyed, so that a message can still be read while the process exits.
  static const std::string& empty = *new std::string;
  return state_ == nullptr ? empty : state_->message;
}

std::string Status::ToString() const {
  std::string out(StatusCodeName(code()));
  if (!ok()) {
    out += ": ";
    out += state_->message;
  }
  return out;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return {};
  std::string message(context);
  message += ": ";
  message += state_->message;
  Status status;
  status.state_ = std::make_shared<const State>(State{state_->code, std::move(message), state_->refused});
  return status;
}

}  // namespace rawkv
