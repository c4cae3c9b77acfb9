#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// Parses "4096", "4K", "4KiB", "1GiB": an integer, optionally followed by K, M, G or T and optional iB. The
// units are powers of 1024 and upper case. kInvalidArgument, also if the number does not fit 64 bits.
Result<uint64_t> ParseByteSize(std::string_view text);

// Formats a size for people: "4 KiB", "1.5 GiB", "0 B".
std::string HumanBytes(uint64_t bytes);

}  // namespace rawkv::ctl
