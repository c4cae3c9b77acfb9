#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// "4096", "4K", "4KiB", "1GiB": an integer, or K, M, G, T with optional iB; powers of 1024, upper case.
// kInvalidArgument, also where it does not fit 64 bits.
Result<uint64_t> ParseByteSize(std::string_view text);

// For people: "4 KiB", "1.5 GiB", "0 B".
std::string HumanBytes(uint64_t bytes);

}  // namespace rawkv::ctl
