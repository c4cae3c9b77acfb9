#include "base/shell_word.h"

namespace rawkv {

std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += R"('\'')";  // ends the quotes, adds a quoted quote, and begins quotes again
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace rawkv
