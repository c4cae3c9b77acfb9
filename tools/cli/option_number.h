#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// Parses the value of option --NAME: a decimal number that fits 64 bits. kInvalidArgument names option and
// value.
Result<uint64_t> ParseOptionNumber(std::string_view name, std::string_view text);

}  // namespace rawkv::ctl
