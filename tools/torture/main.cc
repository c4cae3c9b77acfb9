// rawkv-torture kills the processes of a store at random moments, and judges the store afterwards, on any
// disk.

#include <fmt/format.h>

#include <cstdio>

#include "tools/cli/exit_status.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/text_format.h"
#include "tools/torture/options.h"
#include "tools/torture/run.h"
#include "tools/torture/worker_main.h"

namespace rawkv::torture {
namespace {

constexpr int kInterrupted = 130;

int Fail(const Status& status) {
  fmt::print(stderr, "rawkv-torture: {}\n", ctl::OneLine(status.message()));
  return static_cast<int>(ctl::ExitStatusOf(ctl::TurnAbsentIntoRefused(status)));
}

int ExitStatusOf(const Outcome& outcome) {
  if (outcome.violation) return static_cast<int>(ctl::ExitStatus::kNo);
  if (!outcome.status.ok()) return static_cast<int>(ctl::ExitStatus::kIoError);
  return outcome.interrupted ? kInterrupted : static_cast<int>(ctl::ExitStatus::kDone);
}

int Main(int argc, char** argv) {
  if (IsWorker(argc, argv)) return RunWorker(argv);
  const auto options = ParseOptions({argv + (argc > 0 ? 1 : 0), argv + argc});
  if (!options.ok()) return Fail(options.status());
  if (options->help) {
    fmt::print("{}", Usage());
    return 0;
  }
  ctl::HoldSignals();
  const auto outcome = Run(*options, "/proc/self/exe");
  if (!outcome.ok()) return Fail(outcome.status());
  fmt::print("{}", options->json ? JsonReport(*outcome) : TextReport(*outcome));
  return ExitStatusOf(*outcome);
}

}  // namespace
}  // namespace rawkv::torture

int main(int argc, char** argv) {
  return rawkv::torture::Main(argc, argv);
}
