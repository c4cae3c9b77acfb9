#pragma once

namespace rawkv::ctl {

// Blocks SIGINT, SIGTERM and SIGHUP, so that the program polls InterruptPending, unwinds and cleans up.
// Ignores SIGPIPE and SIGXFSZ, so that write(2) returns an error instead.
void HoldSignals();
bool InterruptPending();

}  // namespace rawkv::ctl
