#pragma once

#include <string_view>

#include "base/bytes.h"

namespace rawkv::fuzz {

// From here to the next call, should the process die of a signal or of a sanitizer's report, it first says
// which target died, and leaves the input in $TMPDIR/rawkv-fuzz-<target>-<pid>, for tests/fuzz/regressions.
// Both are borrowed until the next call.
void Witness(std::string_view target, ConstBytes input);

}  // namespace rawkv::fuzz
