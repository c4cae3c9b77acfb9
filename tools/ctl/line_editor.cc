#include "tools/ctl/line_editor.h"

#include <editline/readline.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <memory>

#include "base/unique_fd.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/shell_words.h"

namespace rawkv::ctl {
namespace {

constexpr int kHistoryLines = 1000;

// libedit calls functions without a context, so the state of the one editor stands here.
struct EditorState {
  LineEditor::Completer completer;
  UniqueFd interrupts;
};

EditorState& State() {
  static EditorState state;
  return state;
}

// The next byte of the terminal, or -1 at the end of the input or when a signal has arrived.
int ReadByte() {
  for (;;) {
    std::array<pollfd, 2> sources = {pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = State().interrupts.get(), .events = POLLIN, .revents = 0}};
    if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) return -1;
    if (sources[1].revents != 0) return -1;
    if (sources[0].revents == 0) continue;
    unsigned char byte = 0;
    return ::read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
  }
}

// The next character of the terminal, for libedit; -1 as above. Bytes that are not UTF-8 are skipped.
int ReadCharacter(FILE* /*terminal*/) {
  std::mbstate_t state{};
  for (;;) {
    const int byte = ReadByte();
    if (byte < 0) return -1;
    const char c = static_cast<char>(byte);
    wchar_t character = 0;
    const size_t used = std::mbrtowc(&character, &c, 1, &state);
    if (used == static_cast<size_t>(-1)) state = {};
    if (used <= 1) return static_cast<int>(character);
  }
}

// The candidates as libedit takes them: an array that malloc made, with their common beginning first.
char** MakeMatches(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return nullptr;
  std::string common = candidates.front();
  for (const std::string& candidate : candidates) {
    size_t same = 0;
    while (same < common.size() && same < candidate.size() && common[same] == candidate[same]) ++same;
    common.resize(same);
  }
  char** const matches = static_cast<char**>(std::calloc(candidates.size() + 2, sizeof(char*)));
  if (matches == nullptr) return nullptr;
  matches[0] = ::strdup(common.c_str());
  for (size_t i = 0; i < candidates.size(); ++i) matches[i + 1] = ::strdup(candidates[i].c_str());
  return matches;
}

char** Complete(const char* word, int begin, int /*end*/) {
  rl_attempted_completion_over = 1;  // no file names
  const Result<std::vector<std::string>> before =
      SplitShellWords(std::string_view(rl_line_buffer, static_cast<size_t>(begin)));
  if (!before.ok()) return nullptr;
  const std::vector<std::string> candidates = State().completer({.before = *before, .current = word});
  const bool unfinished = candidates.size() == 1 && candidates.front().ends_with('=');
  rl_completion_append_character = unfinished ? '\0' : ' ';
  return MakeMatches(candidates);
}

}  // namespace

LineEditor::LineEditor(std::string history_path, Completer completer)
    : history_path_(std::move(history_path)) {
  State() = {.completer = std::move(completer), .interrupts = InterruptFd()};
  // libedit works with wide characters of the locale.
  if (std::setlocale(LC_CTYPE, "") == nullptr || std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
  rl_getc_function = ReadCharacter;
  rl_readline_name = "rawkv";
  rl_outstream = stderr;  // standard output is for data
  rl_catch_signals = 0;
  rl_completer_word_break_characters = const_cast<char*>(" \t");
  rl_attempted_completion_function = Complete;
  using_history();
  stifle_history(kHistoryLines);
  if (!history_path_.empty()) read_history(history_path_.c_str());
}

LineEditor::~LineEditor() {
  if (!history_path_.empty()) write_history(history_path_.c_str());
  State() = {};
}

std::optional<std::string> LineEditor::Read(const std::string& prompt) {
  const std::unique_ptr<char, decltype(&std::free)> line(readline(prompt.c_str()), &std::free);
  if (line == nullptr) return std::nullopt;
  if (line.get()[std::strspn(line.get(), " \t")] != '\0') add_history(line.get());
  return std::string(line.get());
}

}  // namespace rawkv::ctl
