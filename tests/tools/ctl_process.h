#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace rawkv::ctl {

// The result of one run of rawkv-ctl.
struct CtlResult {
  int status = -1;  // exit status; -1 if a signal ended the program
  std::string out;
  std::string err;  // standard error without the engine's log
  std::string log;  // the lines of the engine's log ("rawkv: …")
};

struct CtlSurroundings {
  std::string input;  // standard input
  std::vector<std::string>
      environment;          // "NAME=value", added to the test's own; RAWKV_STORE comes only from here
  std::string output_path;  // if set, standard output goes to this file and `out` stays empty
  std::string working_directory;
};

// Runs the built program and waits for its end.
CtlResult RunCtl(const std::vector<std::string>& args, const CtlSurroundings& around = {});

// A run with which the test talks, either through pipes, or through a terminal as standard input and standard
// error; standard output is a pipe, unless it is the terminal, too. The destructor kills a program that still
// runs.
class CtlConversation {
 public:
  // kWholeTerminal: standard output is the terminal, too.
  enum class Input { kPipe, kTerminal, kWholeTerminal };
  CtlConversation(const std::vector<std::string>& args, Input input);
  ~CtlConversation();
  CtlConversation(const CtlConversation&) = delete;
  CtlConversation& operator=(const CtlConversation&) = delete;

  void Write(const std::string& text);
  void CloseInput() { input_.Reset(); }
  void CloseOutput() { output_.Reset(); }
  // The next line of standard output without its newline; at the end, the rest.
  std::string ReadLine();
  std::string ReadOutputToEnd();
  // Reads the output on the terminal up to and including `end`, or to the end of the program.
  std::string ReadTerminalUntil(const std::string& end);
  // Reads the output on the terminal up to and including the prompt of the shell, and waits until the shell
  // reads single characters. libedit prints the prompt just before it sets the terminal to that mode, and a
  // Ctrl-D that comes in between is lost.
  std::string ReadPrompt();
  void Signal(int number);
  int Wait();  // exit status, or -1

 private:
  pid_t pid_ = -1;
  UniqueFd input_;  // the terminal's other side, or a pipe
  UniqueFd output_;
};

}  // namespace rawkv::ctl
