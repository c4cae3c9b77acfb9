#pragma once

#include <string_view>

#include "base/status.h"
#include "tools/ctl/command.h"

namespace rawkv::ctl {

// Asks on the terminal whether to go on; --yes answers for the user. `plan` (may be empty) and `warning`
// go before the question. kFailedPrecondition without a terminal, or with any answer but yes.
Status Confirm(Invocation& call, std::string_view plan, std::string_view warning);

}  // namespace rawkv::ctl
