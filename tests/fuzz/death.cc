#include "tests/fuzz/death.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#ifdef __SANITIZE_ADDRESS__  // GCC; under clang it is libFuzzer that keeps the input
#include <sanitizer/common_interface_defs.h>
#endif

namespace rawkv::fuzz {
namespace {

std::string_view witnessed_target;
ConstBytes witnessed_input;
char path[4096];
char message[sizeof path + 256];

// Only what a signal handler may do, which streams, dprintf's too, may not: they allocate. snprintf of
// strings and numbers does not.
void Testify() {
  if (witnessed_target.empty()) return;
  const char* const dir = std::getenv("TMPDIR");
  std::snprintf(path, sizeof path, "%s/rawkv-fuzz-%.*s-%d", dir != nullptr ? dir : "/tmp",
                static_cast<int>(witnessed_target.size()), witnessed_target.data(), ::getpid());
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const ssize_t written = ::write(fd, witnessed_input.data(), witnessed_input.size());
  const int length = std::snprintf(
      message, sizeof message, "fuzz target %.*s died of %zu bytes of input; %s %s\n",
      static_cast<int>(witnessed_target.size()), witnessed_target.data(), witnessed_input.size(),
      written == static_cast<ssize_t>(witnessed_input.size()) ? "kept in" : "could not be kept in", path);
  [[maybe_unused]] const ssize_t told = ::write(STDERR_FILENO, message, static_cast<size_t>(length));
  witnessed_target = {};
}

void OnSignal(int number) {
  Testify();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void Install() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(Testify);
#else
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(number, OnSignal);
#endif
  std::signal(SIGABRT, OnSignal);  // RAWKV_CHECK
}

}  // namespace

void Witness(std::string_view target, ConstBytes input) {
  static const bool installed = (Install(), true);
  (void)installed;
  witnessed_target = target;
  witnessed_input = input;
}

}  // namespace rawkv::fuzz
