#include "tools/cli/interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <initializer_list>

namespace rawkv::ctl {

namespace {

sigset_t HeldSignals() {
  sigset_t held;
  sigemptyset(&held);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, number);
  return held;
}

}  // namespace

void HoldSignals() {
  const sigset_t held = HeldSignals();
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

bool InterruptPending() {
  sigset_t pending;
  if (sigpending(&pending) != 0) return false;
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
         sigismember(&pending, SIGHUP) == 1;
}

int TakeInterrupt() {
  const sigset_t held = HeldSignals();
  const timespec at_once{};
  const int number = sigtimedwait(&held, nullptr, &at_once);
  return number > 0 ? number : 0;
}

UniqueFd InterruptFd() {
  const sigset_t held = HeldSignals();
  return UniqueFd(signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool WaitForInterrupt(uint64_t milliseconds) {
  using Clock = std::chrono::steady_clock;
  const sigset_t held = HeldSignals();
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return InterruptPending();
    const timespec wait{.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1'000'000};
    if (sigtimedwait(&held, nullptr, &wait) > 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace rawkv::ctl
