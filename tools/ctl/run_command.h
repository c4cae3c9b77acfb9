#pragma once

#include <string>
#include <vector>

#include "tools/cli/exit_status.h"
#include "tools/cli/progress.h"
#include "tools/ctl/output.h"

namespace rawkv::ctl {

class Session;

// Runs the command of a command line, without the program's name. Flushes its output and prints its error. A
// failed flush is an error of the command. Does not print the error of a pipe whose reader has left: the
// caller decides how to end. With `session` the command works on its store.
ExitStatus RunCommand(const std::vector<std::string>& args, Output& out, ProgressLine& progress,
                      Session* session = nullptr);

// Prints an error as the line "rawkv-ctl: COMMAND: …" to standard error. Returns its exit status.
ExitStatus PrintError(const Status& status, std::string_view command);

}  // namespace rawkv::ctl
