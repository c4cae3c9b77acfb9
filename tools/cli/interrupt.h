#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace rawkv::ctl {

// Blocks SIGINT, SIGTERM and SIGHUP, so that the program polls InterruptPending, unwinds and cleans up.
// Ignores SIGPIPE and SIGXFSZ, so that write(2) returns an error instead.
void HoldSignals();
bool InterruptPending();
// Waits for one of the held signals, at most `milliseconds`. Returns whether one has arrived.
bool WaitForInterrupt(uint64_t milliseconds);
// The number of a held signal that has arrived, and takes it; 0 if there is none.
int TakeInterrupt();
// A descriptor that becomes readable when a held signal arrives (signalfd); invalid on a failure.
UniqueFd InterruptFd();

}  // namespace rawkv::ctl
