#include "tools/cli/text_format.h"

#include <fmt/format.h>

#include <ctime>

#include "base/utf8.h"

namespace rawkv::ctl {
namespace {

uint8_t ByteAt(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

bool IsControl(uint8_t byte) {
  return byte < 0x20 || byte == 0x7F;
}

// Some terminals execute C1 controls (U+0080 … U+009F) like escape sequences.
bool IsC1Control(std::string_view sequence) {
  return sequence.size() == 2 && ByteAt(sequence, 0) == 0xC2 && ByteAt(sequence, 1) < 0xA0;
}

void AppendEscaped(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    switch (c) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
}

std::string Escape(std::string_view bytes, bool double_backslash) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = Utf8SequenceLength(bytes, at);
    const std::string_view sequence = bytes.substr(at, length == 0 ? 1 : length);
    if (length == 0 || IsControl(ByteAt(bytes, at)) || IsC1Control(sequence)) {
      AppendEscaped(sequence, out);
    } else {
      if (double_backslash && bytes[at] == '\\') out += '\\';
      out += sequence;
    }
    at += sequence.size();
  }
  return out;
}

}  // namespace

std::string EscapeKey(std::string_view key) {
  return Escape(key, true);
}

std::string OneLine(std::string_view message) {
  return Escape(message, false);
}

std::string Counted(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string UtcTime(uint64_t unix_ms) {
  if (unix_ms == 0) return "-";
  const auto seconds = static_cast<time_t>(unix_ms / 1000);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "-";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900LL, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace rawkv::ctl
