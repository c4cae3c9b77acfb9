#pragma once

#include <string>

#include "engine/engine.h"
#include "tools/ctl/command.h"

// How long the work takes that leads to an old version.
namespace rawkv::ctl {

// "about 32 s: 320 MiB of log at 10 MiB a second (assumed)", or why the work takes next to no time.
std::string WorkText(const ReplayEstimate& work);
// Prints a line on standard error if a view of the version takes more than a second. Without an estimate it
// prints nothing: the view itself reports the error.
void AnnounceView(Invocation& call, Engine& engine, Version version);

}  // namespace rawkv::ctl
