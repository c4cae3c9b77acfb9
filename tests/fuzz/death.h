#pragma once

#include <string_view>

#include "base/bytes.h"

namespace rawkv::fuzz {

// If the process dies of a signal or a sanitizer's report before the next call, it first names the target and
// saves the input to $TMPDIR/rawkv-fuzz-<target>-<pid>, for tests/fuzz/regressions. Both arguments are
// borrowed until the next call.
void SetCurrentInput(std::string_view target, ConstBytes input);

}  // namespace rawkv::fuzz
