#include "tools/cli/exit_status.h"

#include "tools/cli/text_format.h"

namespace rawkv::ctl {

ExitStatus ExitStatusOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return ExitStatus::kDone;
    case StatusCode::kNotFound:
      return ExitStatus::kNo;
    case StatusCode::kInvalidArgument:
      return ExitStatus::kUsage;
    case StatusCode::kFailedPrecondition:
    case StatusCode::kVersionUnreachable:
    case StatusCode::kBusy:
    case StatusCode::kNotSupported:
      return ExitStatus::kRefused;
    case StatusCode::kCorruption:
      return ExitStatus::kCorruption;
    case StatusCode::kNoSpace:
    case StatusCode::kIoError:
    case StatusCode::kPoisoned:
      return ExitStatus::kIoError;
    case StatusCode::kInternal:
      return ExitStatus::kInternal;
  }
  return ExitStatus::kInternal;
}

Status TurnAbsentIntoRefused(const Status& status) {
  return status.code() == StatusCode::kNotFound ? Status::FailedPrecondition(status.message()) : status;
}

std::string ErrorText(const Status& status) {
  switch (ExitStatusOf(status)) {
    case ExitStatus::kCorruption:
    case ExitStatus::kIoError:
    case ExitStatus::kInternal:
      return OneLine(status.ToString());
    default:
      return OneLine(status.message());
  }
}

}  // namespace rawkv::ctl
