#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace rawkv::ctl {

// What a run of rawkv-ctl left behind.
struct CtlResult {
  int status = -1;  // exit status; -1 when a signal ended it
  std::string out;
  std::string err;  // standard error without the engine's log
  std::string log;  // its lines ("rawkv: …"), which may tell of what was put right
};

struct CtlSurroundings {
  std::string input;                     // standard input
  std::vector<std::string> environment;  // "NAME=value", besides the test's own; RAWKV_STORE only from here
  std::string output_path;               // standard output goes there; `out` stays empty
  std::string working_directory;
};

// Runs the built program to its end.
CtlResult RunCtl(const std::vector<std::string>& args, const CtlSurroundings& around = {});

// A run that the test talks to while it goes on, through pipes, or through a terminal (standard input
// and standard error; standard output stays a pipe). Killed, if it still runs, when destroyed.
class CtlConversation {
 public:
  enum class Input { kPipe, kTerminal };
  CtlConversation(const std::vector<std::string>& args, Input input);
  ~CtlConversation();
  CtlConversation(const CtlConversation&) = delete;
  CtlConversation& operator=(const CtlConversation&) = delete;

  void Write(const std::string& text);
  void CloseInput() { input_.Reset(); }
  void CloseOutput() { output_.Reset(); }
  // The next line of standard output, without newline; what there is at the end of it.
  std::string ReadLine();
  std::string ReadOutputToEnd();
  // What the terminal shows, until it has shown `end`.
  std::string ReadTerminalUntil(const std::string& end);
  int Wait();  // exit status, or -1

 private:
  pid_t pid_ = -1;
  UniqueFd input_;  // the terminal's other side, or a pipe
  UniqueFd output_;
};

}  // namespace rawkv::ctl
