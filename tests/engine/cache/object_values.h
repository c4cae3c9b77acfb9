#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rawkv {

// The value of generation `n` of a key: its content names both.
std::string ValueOf(std::string_view key, uint64_t n, uint64_t bytes);
// "" if these bytes are a value of the key in any generation, else what differs.
std::string DiffObject(std::string_view key, std::string_view value);

}  // namespace rawkv
