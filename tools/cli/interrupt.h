#pragma once

namespace rawkv::ctl {

// From here on SIGINT, SIGTERM and SIGHUP wait until somebody asks, so that every exit unwinds and cleans
// up; SIGPIPE becomes an error of write(2).
void HoldSignals();
bool InterruptPending();

}  // namespace rawkv::ctl
