#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rawkv::ctl {

// Splits a line into words as a POSIX shell does, but expands nothing: 'single' and "double" quotes, a
// backslash before any character, and a comment from a word that begins with #. Reads every word of ShellWord
// back. kInvalidArgument for a quote without its end, or a backslash at the end.
Result<std::vector<std::string>> SplitShellWords(std::string_view line);

}  // namespace rawkv::ctl
