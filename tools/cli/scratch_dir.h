#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv::ctl {

// Makes a new directory for `program` below $TMPDIR or /tmp, and returns its absolute path. The caller
// removes it.
Result<std::string> MakeScratchDir(std::string_view program);

}  // namespace rawkv::ctl
