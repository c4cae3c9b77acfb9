#include "base/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace rawkv {
namespace {

// libcrypto takes lengths as int. So long values are converted in pieces whose length needs no padding.
constexpr size_t kPieceBytes = 3u << 20;
constexpr size_t kPieceChars = kPieceBytes / 3 * 4;

const unsigned char* Unsigned(const char* p) {
  return reinterpret_cast<const unsigned char*>(p);
}

bool InAlphabet(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

size_t PaddingOf(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a NUL at the end
  size_t length = 0;
  for (size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    const std::string_view piece = bytes.substr(at, kPieceBytes);
    length += static_cast<size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + length),
                                                  Unsigned(piece.data()), static_cast<int>(piece.size())));
  }
  text.resize(length);
  return text;
}

Result<std::string> DecodeBase64(std::string_view text) {
  const size_t padding = PaddingOf(text);
  const std::string_view digits = text.substr(0, text.size() - padding);
  // EVP_DecodeBlock would trim white space and accept padding in the middle.
  if (text.size() % 4 != 0 || !std::all_of(digits.begin(), digits.end(), InAlphabet)) {
    return Status::InvalidArgument("not base64 (RFC 4648, with padding, without white space)");
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  size_t length = 0;
  for (size_t at = 0; at < text.size(); at += kPieceChars) {
    const std::string_view piece = text.substr(at, kPieceChars);
    const int decoded = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data() + length),
                                        Unsigned(piece.data()), static_cast<int>(piece.size()));
    if (decoded < 0) return Status::InvalidArgument("not base64");
    length += static_cast<size_t>(decoded);
  }
  bytes.resize(length - padding);  // libcrypto counts zero bytes for the padding
  if (padding != 0 &&
      EncodeBase64(std::string_view(bytes).substr(bytes.size() / 3 * 3)) != text.substr(text.size() - 4)) {
    return Status::InvalidArgument("not base64: unused bits of the last character are not zero");
  }
  return bytes;
}

}  // namespace rawkv
