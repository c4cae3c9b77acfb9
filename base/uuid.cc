#include "base/uuid.h"

#include <utility>

#include "base/endian.h"
#include "base/entropy.h"

namespace rawkv {
namespace {

constexpr size_t kTextLength = 36;
constexpr std::string_view kDigits = "0123456789abcdef";

constexpr bool IsHyphenAt(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

// The digit's value, or -1.
int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status BadText(std::string_view text) {
  std::string message = "'";
  message += text.substr(0, 2 * kTextLength);
  message += "' is not a UUID; expected 8-4-4-4-12 hex digits";
  return Status::InvalidArgument(std::move(message));
}

}  // namespace

Uuid Uuid::Generate(Entropy& entropy) {
  Uuid id;
  StoreLe(id.bytes.data(), entropy.NextU64());
  StoreLe(id.bytes.data() + 8, entropy.NextU64());
  id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version 4: random
  id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // RFC 4122 variant
  return id;
}

Result<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != kTextLength) return BadText(text);
  Uuid id;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsHyphenAt(i)) {
      if (text[i] != '-') return BadText(text);
      continue;
    }
    const int value = DigitValue(text[i]);
    if (value < 0) return BadText(text);
    std::byte& byte = id.bytes[nibble / 2];
    byte = (byte << 4) | static_cast<std::byte>(value);
    ++nibble;
  }
  return id;
}

std::string Uuid::ToString() const {
  std::string out;
  out.reserve(kTextLength);
  for (const std::byte byte : bytes) {
    if (IsHyphenAt(out.size())) out.push_back('-');
    out.push_back(kDigits[std::to_integer<size_t>(byte >> 4)]);
    out.push_back(kDigits[std::to_integer<size_t>(byte & std::byte{0x0f})]);
  }
  return out;
}

}  // namespace rawkv
