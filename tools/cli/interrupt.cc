#include "tools/cli/interrupt.h"

#include <signal.h>

#include <initializer_list>

namespace rawkv::ctl {

void HoldSignals() {
  sigset_t held;
  sigemptyset(&held);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, number);
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

}  // namespace rawkv::ctl
