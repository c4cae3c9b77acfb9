#include "tools/cli/roff.h"

namespace rawkv::ctl {

std::string Roff(std::string_view text) {
  constexpr std::string_view kEllipsis = "…";
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool line_begins = at == 0 || text[at - 1] == '\n';
    if (text.substr(at).starts_with(kEllipsis)) {
      out += "...";
      at += kEllipsis.size() - 1;
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (line_begins && (c == '.' || c == '\'')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace rawkv::ctl
