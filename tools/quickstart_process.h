#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv::quickstart {

// A program to run. No shell takes part: arguments arrive byte for byte.
struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH
  std::vector<std::string> env;   // the whole environment, "NAME=value" each
  std::string input;              // given as standard input, unless pipe_input
  bool pipe_input = false;        // standard input is a pipe that the caller writes
};

// A child with a pipe on its standard output. What it writes to standard error becomes part of the
// error that Wait returns. Killed, if it still runs, and reaped when destroyed. Not thread-safe.
class ChildProcess {
 public:
  // kNotFound: no such program in PATH.
  static Result<std::unique_ptr<ChildProcess>> Start(const Command& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  Status Write(std::string_view bytes);  // needs pipe_input
  Result<std::string> ReadToEnd();
  // Up to and without `delimiter`, which must come.
  Result<std::string> ReadUntil(char delimiter);
  Status ReadExactly(Bytes out);
  // Closes both pipes and waits. kIoError, with the child's own words, unless it ended with status 0.
  Status Wait();

 private:
  ChildProcess() = default;
  Status Fill();  // at least one more byte, or an error
  // The child broke off: how it ended says more than the short read.
  Status Broken(std::string_view what);

  std::string name_;
  pid_t pid_ = -1;                    // -1: reaped
  UniqueFd stdin_, stdout_, stderr_;  // stderr_: a memory file that the child appends to
  std::string buffer_;
  size_t consumed_ = 0;
};

// Runs it to its end: its standard output, or Wait's error.
Result<std::string> Capture(const Command& command);

// Writes all of it to a descriptor. kIoError.
Status WriteFully(int fd, std::string_view bytes);

}  // namespace rawkv::quickstart
