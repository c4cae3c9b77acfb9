#include "base/types.h"

namespace rawkv {

std::string ToString(Version v) {
  return std::to_string(v.value());
}

std::string ToHex(uint64_t v) {
  std::string out(16, '0');
  for (size_t i = out.size(); i > 0; --i, v >>= 4) out[i - 1] = "0123456789abcdef"[v & 0xf];
  return out;
}

}  // namespace rawkv
