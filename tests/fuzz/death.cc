#include "tests/fuzz/death.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#ifdef __SANITIZE_ADDRESS__  // GCC only: under clang libFuzzer keeps the input
#include <sanitizer/common_interface_defs.h>
#endif

namespace rawkv::fuzz {
namespace {

std::string_view current_target;
ConstBytes current_input;
char path[4096];
char message[sizeof path + 256];

// Uses only functions that are allowed in a signal handler. Streams and dprintf allocate memory; snprintf of
// strings and numbers does not.
void SaveInputAndReport() {
  if (current_target.empty()) return;
  const char* const dir = std::getenv("TMPDIR");
  std::snprintf(path, sizeof path, "%s/rawkv-fuzz-%.*s-%d", dir != nullptr ? dir : "/tmp",
                static_cast<int>(current_target.size()), current_target.data(), ::getpid());
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const ssize_t written = ::write(fd, current_input.data(), current_input.size());
  const int length = std::snprintf(
      message, sizeof message, "fuzz target %.*s died of %zu bytes of input; %s %s\n",
      static_cast<int>(current_target.size()), current_target.data(), current_input.size(),
      written == static_cast<ssize_t>(current_input.size()) ? "kept in" : "could not be kept in", path);
  [[maybe_unused]] const ssize_t reported = ::write(STDERR_FILENO, message, static_cast<size_t>(length));
  current_target = {};
}

void OnSignal(int number) {
  SaveInputAndReport();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void InstallHandlers() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(SaveInputAndReport);
#else
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(number, OnSignal);
#endif
  std::signal(SIGABRT, OnSignal);  // RAWKV_CHECK
}

}  // namespace

void SetCurrentInput(std::string_view target, ConstBytes input) {
  static const bool installed = (InstallHandlers(), true);
  (void)installed;
  current_target = target;
  current_input = input;
}

}  // namespace rawkv::fuzz
