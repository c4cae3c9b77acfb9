#include "tools/quickstart_progress.h"

#include <unistd.h>

#include "base/clock.h"

namespace rawkv::quickstart {
namespace {

constexpr uint64_t kIntervalNs = 100'000'000;

}  // namespace

StageProgress::StageProgress() : line_(STDERR_FILENO), show_(line_.Callback()) {}

void StageProgress::Show(const char* what, uint64_t done, uint64_t total) {
  if (!show_) return;
  const uint64_t now_ns = SystemClock().MonotonicNs();
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + kIntervalNs;
  show_({.what = what, .done = done, .total = total});
}

void StageProgress::Clear() {
  line_.Wipe();
  next_ns_ = 0;
}

}  // namespace rawkv::quickstart
