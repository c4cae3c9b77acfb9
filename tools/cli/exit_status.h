#pragma once

#include <string>

#include "base/status.h"

namespace rawkv::ctl {

// The exit status of the program. Scripts rely on it (docs/cli.md).
enum class ExitStatus : int {
  kDone = 0,
  kNo = 1,          // the answer is no: no such key, or a check found damage
  kUsage = 2,       // the command line, or an input file, is wrong
  kRefused = 3,     // the store's state forbids it, the store is absent or locked, or it is not supported
  kCorruption = 4,  // found by a command other than a check
  kIoError = 5,     // error of the system or the device, no space, poisoned
  kInternal = 70,   // a bug in rawkv
};

// kNotFound gives kNo: "no such key". If a store is missing, the caller applies TurnAbsentIntoRefused first.
ExitStatus ExitStatusOf(const Status& status);

// Turns kNotFound (a missing store or device) into kFailedPrecondition. Other codes stay.
Status TurnAbsentIntoRefused(const Status& status);

// The error's message for people, escaped to one line. Names the kind of error for corruption, I/O errors and
// internal errors, because the message alone may not show it.
std::string ErrorText(const Status& status);

}  // namespace rawkv::ctl
