#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "base/shell_word.h"
#include "tools/cli/input.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/shell_words.h"
#include "tools/ctl/command_line.h"
#include "tools/ctl/command_table.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/line_completion.h"
#include "tools/ctl/line_editor.h"
#include "tools/ctl/run_command.h"
#include "tools/ctl/session.h"
#include "tools/ctl/setting_flags.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

constexpr size_t kKeysOffered = 100;  // by completion
constexpr std::string_view kPrompt = "rawkv> ";

// Commands that work on a store that nobody has open. The shell closes its store for them.
constexpr std::array<std::string_view, 3> kOnAClosedStore = {"rollback", "fsck", "wal verify"};
// Commands that make another store, or nothing that a shell could do.
constexpr std::array<std::string_view, 3> kNotInAShell = {"format", "import", "shell"};
// Flags of the open store, which a line cannot change.
constexpr std::array<std::string_view, 5> kStoreFlags = {"store", "engine", "device", "wait", "read_only"};

template <typename Names>
bool IsOneOf(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Shell {
 public:
  explicit Shell(Invocation& call) : call_(call) {}

  // Opens the store and runs lines to the end of the input. Returns the status with which the shell ends.
  Result<ExitStatus> Run() {
    const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (terminal) {
      // Signals end the wait for a line and the output of a command, but not the program, so that the shell
      // closes its store. The threads of the engine inherit the mask.
      HoldSignals();
      call_.out.StopWhen(InterruptPending);
    }
    RAWKV_RETURN_IF_ERROR(session_.Use(call_).status());
    const Result<ExitStatus> end = terminal ? RunTerminal() : RunScript();
    const Status closed = session_.Close();
    RAWKV_RETURN_IF_ERROR(end.status());
    RAWKV_RETURN_IF_ERROR(closed);
    return end;
  }

 private:
  // What a line leads to: the status of its command, and whether the shell ends.
  struct LineResult {
    ExitStatus status = ExitStatus::kDone;
    bool end = false;
  };

  Result<ExitStatus> RunTerminal() {
    LineEditor editor(HistoryPath(), [this](const LineAtCursor& line) { return Complete(line); });
    for (;;) {
      const std::optional<std::string> line = editor.Read(std::string(kPrompt));
      const int signal = TakeInterrupt();
      if (!line.has_value()) {
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, "\n", 1);
        if (signal == SIGINT) continue;
        return ExitStatus::kDone;
      }
      if (RunLine(*line).end) return ExitStatus::kDone;
    }
  }

  // Lines of a file or a pipe: the first one that fails ends the shell, and its status is that of the shell.
  Result<ExitStatus> RunScript() {
    RAWKV_ASSIGN_OR_RETURN(Input input, Input::Open("-"));
    LineReader lines(std::move(input));
    for (;;) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<std::string_view> line, lines.Next());
      if (!line.has_value()) return ExitStatus::kDone;
      const LineResult result = RunLine(std::string(*line));
      if (static_cast<int>(result.status) >= static_cast<int>(ExitStatus::kUsage)) {
        if (!call_.out.reader_left()) PrintError(Status::InvalidArgument(lines.Place() + " failed"), "shell");
        return result.status;
      }
      if (result.end) return ExitStatus::kDone;
    }
  }

  LineResult RunLine(const std::string& text) {
    const Result<std::vector<std::string>> words = SplitShellWords(text);
    if (!words.ok()) return {.status = PrintError(words.status(), "")};
    if (words->empty()) return {};
    if (words->size() == 1 && (words->front() == "exit" || words->front() == "quit")) return {.end = true};
    const FlagScope flags;  // the flags of a line end with it
    const Result<Session*> session = Prepare(*words);
    if (!session.ok()) return {.status = PrintError(session.status(), "")};
    const ExitStatus status = RunCommand(*words, call_.out, call_.progress, *session);
    const int signal = TakeInterrupt();
    call_.out.Resume();
    // An engine that a failed sync has poisoned takes no commit until the store is opened again.
    if (status == ExitStatus::kIoError) CloseAfterError();
    return {.status = status, .end = (signal != 0 && signal != SIGINT) || call_.out.reader_left()};
  }

  void CloseAfterError() {
    const Status closed = session_.Close();
    if (!closed.ok()) PrintError(closed, "shell");
  }

  // Refuses a line that a shell does not take. Returns the session for its command; null after it has closed
  // the store, for a command that needs that. A line that does not parse is left to RunCommand.
  Result<Session*> Prepare(const std::vector<std::string>& words) {
    const Result<CommandLine> line = ParseCommandLine(words);
    if (!line.ok()) return &session_;
    const std::string_view name = line->command->name;
    if (IsOneOf(name, kNotInAShell)) {
      return Status::InvalidArgument(fmt::format("{} is not a command of the shell", name));
    }
    for (const auto& flag : line->flags) {
      if (IsOneOf(flag.first, kStoreFlags) || IsOneOf(flag.first, SettingNames())) {
        return Status::InvalidArgument(
            fmt::format("--{} belongs to the command line of the shell, not to its lines", flag.first));
      }
    }
    if (!IsOneOf(name, kOnAClosedStore)) return &session_;
    RAWKV_RETURN_IF_ERROR(session_.Close().WithContext(name));
    return static_cast<Session*>(nullptr);
  }

  // Commands and flags, or keys of the store.
  std::vector<std::string> Complete(const LineAtCursor& line) {
    if (!TakesKey(line) || session_.engine() == nullptr) return CompleteWords(line);
    std::vector<std::string> keys;
    const auto at =
        session_.engine()->NewIterator({.view = nullptr, .lower = "", .upper = "", .prefix = line.current});
    if (!at.ok()) return keys;
    for ((*at)->SeekToFirst(); (*at)->Valid() && keys.size() < kKeysOffered; (*at)->Next()) {
      const std::string key((*at)->key());
      if (ShellWord(key) == key) keys.push_back(key);  // others need quotes
    }
    return keys;
  }

  static std::string HistoryPath() {
    if (const char* const path = std::getenv("RAWKV_HISTORY"); path != nullptr) return path;
    const char* const home = std::getenv("HOME");
    return home == nullptr || *home == '\0' ? "" : std::string(home) + "/.rawkv_history";
  }

  Invocation& call_;
  Session session_;
};

}  // namespace

Result<ExitStatus> RunShell(Invocation& call) {
  return Shell(call).Run();
}

}  // namespace rawkv::ctl
