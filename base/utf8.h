#pragma once

#include <cstddef>
#include <string_view>

namespace rawkv {

// Length of the well-formed UTF-8 sequence that begins at `at` (Unicode 15, table 3-7), or 0.
size_t Utf8SequenceLength(std::string_view bytes, size_t at);

// Strict: refuses overlong forms, surrogates and code points above U+10FFFF.
bool IsUtf8(std::string_view bytes);

}  // namespace rawkv
