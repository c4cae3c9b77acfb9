// The targets under libFuzzer. The environment variable RAWKV_FUZZ_TARGET chooses the target, so that the
// children that libFuzzer starts (-jobs, -merge, -minimize_crash) have it too. tools/run-fuzz starts this
// program.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.h"

namespace {

const rawkv::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* const name = std::getenv("RAWKV_FUZZ_TARGET");
  chosen = name == nullptr ? nullptr : rawkv::fuzz::FindTarget(name);
  if (chosen == nullptr) {
    std::fprintf(stderr, "RAWKV_FUZZ_TARGET must name one of:");
    for (const auto& target : rawkv::fuzz::Targets()) std::fprintf(stderr, " %s", target.name.data());
    std::fprintf(stderr, "\n");
    std::exit(2);
  }
  ::unsetenv("RAWKV_STORE");
  // A change line may name standard input as the file of a value: it must be empty.
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) std::abort();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)rawkv::fuzz::RunTarget(*chosen, std::as_bytes(std::span(data, size)));
  return 0;
}
