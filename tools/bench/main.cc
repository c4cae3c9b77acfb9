// rawkv-bench measures rawkv and comparable stores in one run, on any disk.

#include <fmt/format.h>

#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/options.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/interrupt.h"

namespace rawkv::bench {
namespace {

constexpr int kInterrupted = 130;

int Main(const std::vector<std::string>& args) {
  const auto options = ParseOptions(args);
  if (options.ok() && options->help) {
    fmt::print("{}", Usage());
    return 0;
  }
  ctl::HoldSignals();
  const Result<ctl::ExitStatus> done = options.ok() ? RunCommand(*options) : options.status();
  if (done.ok()) return static_cast<int>(*done);
  fmt::print(stderr, "rawkv-bench: {}\n", ctl::ErrorText(done.status()));
  if (ctl::InterruptPending()) return kInterrupted;
  return static_cast<int>(ctl::ExitStatusOf(ctl::TurnAbsentIntoRefused(done.status())));
}

}  // namespace
}  // namespace rawkv::bench

int main(int argc, char** argv) {
  return rawkv::bench::Main({argv + (argc > 0 ? 1 : 0), argv + argc});
}
