#pragma once

#include <string>

#include "base/result.h"

namespace rawkv::bench {

// The manual page rawkv-bench(1), and the completion scripts, made from the lists of commands and flags.
std::string ManPage();
// `shell` is bash, zsh or fish; otherwise kInvalidArgument.
Result<std::string> Completion(const std::string& shell);

}  // namespace rawkv::bench
