#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rawkv::ctl {

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view bytes);

// Keys as one printable word of text: UTF-8 stays, backslash is doubled, control characters and bytes
// that are not UTF-8 become \t, \n, \r or \xNN. Reversible.
std::string EscapeKey(std::string_view key);

// Messages: control characters (a key or a path may hold them) are escaped, so that one error is one
// line and cannot steer a terminal.
std::string OneLine(std::string_view message);

// "2025-11-21T07:35:48Z"; "-" for 0.
std::string UtcTime(uint64_t unix_ms);

}  // namespace rawkv::ctl
