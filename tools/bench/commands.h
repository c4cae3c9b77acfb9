#pragma once

#include "base/result.h"
#include "tools/bench/options.h"
#include "tools/cli/exit_status.h"

namespace rawkv::bench {

// Runs the command that options.words name, and prints its answer. kInvalidArgument: there is no such
// command, or it has other arguments.
Result<ctl::ExitStatus> RunCommand(const Options& options);

}  // namespace rawkv::bench
