#pragma once

#include <functional>
#include <string>
#include <vector>

namespace rawkv {

// What a child process left behind.
struct LimitedResult {
  int status = -1;   // exit status; -1 when a signal ended it
  int signal = 0;    // the signal that ended it
  std::string text;  // the end of its standard error
};

// Applied in the child before it begins: setrlimit, setuid, an environment variable.
using ApplyLimit = std::function<void()>;

// Runs `program` with `args` to its end under the limit.
LimitedResult RunLimited(const std::string& program, const std::vector<std::string>& args,
                         const ApplyLimit& apply);

// Runs `body` in a forked child (which `body` limits by itself); what it returns is the exit status. The
// process must have no other thread.
LimitedResult RunForked(const std::function<int()>& body);

}  // namespace rawkv
