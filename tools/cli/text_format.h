#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rawkv::ctl {

// Formats a key or a value as one printable word: keeps UTF-8, doubles backslashes, and writes control
// characters and bytes that are not UTF-8 as \t, \n, \r or \xNN. Reversible.
std::string EscapeKey(std::string_view key);

// Formats a message as one line: escapes control characters, which a key or a path may contain, so that a
// message cannot control a terminal.
std::string OneLine(std::string_view message);

// "1 key", "2 keys", "0 keys": the noun forms its plural with an s.
std::string Counted(uint64_t number, std::string_view noun);

// Formats a time as "2025-11-21T07:35:48Z"; "-" for 0.
std::string UtcTime(uint64_t unix_ms);

}  // namespace rawkv::ctl
