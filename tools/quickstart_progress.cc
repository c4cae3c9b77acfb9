#include "tools/quickstart_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"

namespace rawkv::quickstart {
namespace {

constexpr uint64_t kIntervalNs = 100'000'000;
constexpr const char* kEraseLine = "\r\033[K";

}  // namespace

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::Show(std::string_view what, uint64_t done, uint64_t total) {
  if (!is_terminal_) return;
  const uint64_t now_ns = SystemClock().MonotonicNs();
  if (shown_ && now_ns - last_ns_ < kIntervalNs) return;
  last_ns_ = now_ns;
  shown_ = true;
  if (total > 0) {
    fmt::print(stderr, "{}{} {} of {}", kEraseLine, what, done, total);
  } else {
    fmt::print(stderr, "{}{}", kEraseLine, what);
  }
}

void ProgressLine::Clear() {
  if (shown_) fmt::print(stderr, "{}", kEraseLine);
  shown_ = false;
}

}  // namespace rawkv::quickstart
