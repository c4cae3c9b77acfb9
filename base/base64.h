#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv {

// RFC 4648 with padding, on one line.
std::string EncodeBase64(std::string_view bytes);

// Strict, so that a key has only one spelling: requires padding and zero in unused bits, and refuses white
// space and other alphabets. kInvalidArgument.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace rawkv
