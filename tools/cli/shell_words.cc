#include "tools/cli/shell_words.h"

namespace rawkv::ctl {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Reads the word at the front of `line`, and removes it.
Result<std::string> TakeWord(std::string_view& line) {
  std::string word;
  char quote = 0;
  size_t at = 0;
  for (; at < line.size() && (quote != 0 || kBlanks.find(line[at]) == std::string_view::npos); ++at) {
    const char c = line[at];
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (at + 1 == line.size()) return Status::InvalidArgument("the line ends with a backslash");
      // In double quotes a backslash is literal unless it stands before a quote or another backslash.
      const char next = line[at + 1];
      if (quote == '"' && next != '"' && next != '\\') {
        word += c;
      } else {
        word += next;
        ++at;
      }
    } else {
      word += c;
    }
  }
  if (quote != 0) return Status::InvalidArgument(std::string("the quote ") + quote + " has no end");
  line.remove_prefix(at);
  return word;
}

}  // namespace

Result<std::vector<std::string>> SplitShellWords(std::string_view line) {
  std::vector<std::string> words;
  for (;;) {
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos || line[begin] == '#') return words;
    line.remove_prefix(begin);
    RAWKV_ASSIGN_OR_RETURN(std::string word, TakeWord(line));
    words.push_back(std::move(word));
  }
}

}  // namespace rawkv::ctl
