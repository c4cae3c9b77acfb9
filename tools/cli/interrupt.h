#pragma once

#include <cstdint>

namespace rawkv::ctl {

// Blocks SIGINT, SIGTERM and SIGHUP, so that the program polls InterruptPending, unwinds and cleans up.
// Ignores SIGPIPE and SIGXFSZ, so that write(2) returns an error instead.
void HoldSignals();
bool InterruptPending();
// Waits for one of the held signals, at most `milliseconds`. Returns whether one has arrived.
bool WaitForInterrupt(uint64_t milliseconds);

}  // namespace rawkv::ctl
