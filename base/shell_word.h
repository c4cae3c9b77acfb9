#pragma once

#include <string>
#include <string_view>

namespace rawkv {

// Formats a text as one word of a shell command, for hints that people copy: quotes it unless every character
// stands for itself in a POSIX shell. A text with control characters is quoted, too, but cannot be copied
// from a message, which shows these escaped.
std::string ShellWord(std::string_view text);

}  // namespace rawkv
