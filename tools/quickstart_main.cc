// rawkv-quickstart: replays a git history into a store and lets git judge the result. tools/quickstart
// builds it and runs it.

#include <fmt/format.h>

#include <cstdio>

#include "base/entropy.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/text_format.h"
#include "tools/quickstart_options.h"
#include "tools/quickstart_story.h"

namespace rawkv::quickstart {
namespace {

enum ExitStatus : int { kEqual = 0, kUnequal = 1, kUsage = 2, kCouldNotRun = 3, kInterrupted = 130 };

ExitStatus StatusToExit(const Status& status) {
  if (status.ok()) return kEqual;
  if (ctl::InterruptPending()) return kInterrupted;
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return kUsage;
    // The machine, git or the files; not what the store did with them.
    case StatusCode::kIoError:
    case StatusCode::kNoSpace:
    case StatusCode::kNotSupported:
    case StatusCode::kNotFound:
      return kCouldNotRun;
    default:
      return kUnequal;
  }
}

int Main(int argc, char** argv) {
  const auto options = ParseOptions(argc, argv);
  if (!options.ok()) {
    fmt::print(stderr, "rawkv-quickstart: {}\n", ctl::OneLine(options.status().message()));
    return kUsage;
  }
  if (options->help) {
    fmt::print("{}", Usage());
    return kEqual;
  }
  ctl::HoldSignals();
  const uint64_t seed = options->seed.value_or(SystemEntropy().NextU64() % 1'000'000'000);
  const Status status = Story(*options, seed).Tell();
  const ExitStatus exit_status = StatusToExit(status);
  if (exit_status == kInterrupted) {
    fmt::print(stderr, "rawkv-quickstart: interrupted\n");
  } else if (exit_status == kUnequal) {
    fmt::print(stderr, "rawkv-quickstart: FAILED: {} (seed {})\n", ctl::OneLine(status.ToString()), seed);
  } else if (!status.ok()) {
    fmt::print(stderr, "rawkv-quickstart: {}\n", ctl::OneLine(status.message()));
  }
  return exit_status;
}

}  // namespace
}  // namespace rawkv::quickstart

int main(int argc, char** argv) {
  return rawkv::quickstart::Main(argc, argv);
}
