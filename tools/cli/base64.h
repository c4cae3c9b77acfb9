#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// RFC 4648 with padding, on one line.
std::string EncodeBase64(std::string_view bytes);

// Strict, so that equal keys have one spelling: padding, no white space, no other alphabet, unused bits
// zero. kInvalidArgument.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace rawkv::ctl
