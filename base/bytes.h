#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace rawkv {

using ConstBytes = std::span<const std::byte>;
using Bytes = std::span<std::byte>;

inline ConstBytes AsBytes(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}
inline Bytes AsWritableBytes(std::string& s) {
  return std::as_writable_bytes(std::span(s.data(), s.size()));
}
inline std::string_view AsStringView(ConstBytes b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline bool AllZero(ConstBytes b) {
  // The first byte is zero and each byte equals the one before it. memcmp compares many bytes at a time.
  return b.empty() || (b[0] == std::byte{0} && std::memcmp(b.data(), b.data() + 1, b.size() - 1) == 0);
}

}  // namespace rawkv
