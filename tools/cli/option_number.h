#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// The value of option --NAME, a decimal number that fits 64 bits. kInvalidArgument names both.
Result<uint64_t> ParseOptionNumber(std::string_view name, std::string_view text);

}  // namespace rawkv::ctl
