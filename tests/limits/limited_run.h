#pragma once

#include <functional>
#include <string>
#include <vector>

namespace rawkv {

// The result of a child process.
struct LimitedResult {
  int status = -1;   // exit status; -1 when a signal ended it
  int signal = 0;    // the signal that ended it
  std::string text;  // the end of its standard error
};

// Runs in the child before the program starts: setrlimit, setuid, an environment variable.
using ApplyLimit = std::function<void()>;

// Runs `program` with `args` under the limit and waits for its end.
LimitedResult RunLimited(const std::string& program, const std::vector<std::string>& args,
                         const ApplyLimit& apply);

// Runs `body` in a forked child and returns its result as the exit status. `body` sets its own limits. The
// calling process must have no other thread.
LimitedResult RunForked(const std::function<int()>& body);

}  // namespace rawkv
