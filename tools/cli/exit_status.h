#pragma once

#include <string>

#include "base/status.h"

namespace rawkv::ctl {

// What the program ends with; scripts rely on it (docs/cli.md).
enum class ExitStatus : int {
  kDone = 0,
  kNo = 1,          // the answer is no: no such key, damage found by a check
  kUsage = 2,       // the command line, or an input file, is wrong
  kRefused = 3,     // the store's state, its absence or its holder forbids it; not supported
  kCorruption = 4,  // met by a command that does not look for it
  kIoError = 5,     // the system or the device refused, no space, poisoned
  kInternal = 70,   // a bug in rawkv
};

// kNotFound is kNo: "no such key". Where a store is what is missing, AbsentIsRefused comes first.
ExitStatus ExitStatusOf(const Status& status);

// A missing store or device: kNotFound becomes kFailedPrecondition, all else stays.
Status AbsentIsRefused(const Status& status);

// The error's message for people, on one line whatever bytes it quotes; names the kind of error where
// the message alone may leave it open.
std::string ErrorText(const Status& status);

}  // namespace rawkv::ctl
