#include "base/utf8.h"

#include <cstdint>

namespace rawkv {
namespace {

uint8_t ByteAt(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

bool Within(uint8_t byte, uint8_t low, uint8_t high) {
  return byte >= low && byte <= high;
}

}  // namespace

size_t Utf8SequenceLength(std::string_view bytes, size_t at) {
  const uint8_t lead = ByteAt(bytes, at);
  if (lead < 0x80) return 1;
  const size_t length = Within(lead, 0xC2, 0xDF) ? 2 : Within(lead, 0xE0, 0xEF) ? 3 : 4;
  if (!Within(lead, 0xC2, 0xF4) || bytes.size() - at < length) return 0;
  // The range of the second byte excludes overlong forms, surrogates and code points above U+10FFFF.
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!Within(ByteAt(bytes, at + 1), low, high)) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!Within(ByteAt(bytes, at + i), 0x80, 0xBF)) return 0;
  }
  return length;
}

bool IsUtf8(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = Utf8SequenceLength(bytes, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace rawkv
