#pragma once

#include <string_view>

#include "base/status.h"
#include "tools/ctl/command.h"

namespace rawkv::ctl {

// Asks on the terminal whether to continue; with --yes it does not ask. Prints `plan` (may be empty) and
// `warning` before the question. kFailedPrecondition without a terminal, or for any answer but yes.
Status Confirm(Invocation& call, std::string_view plan, std::string_view warning);

}  // namespace rawkv::ctl
