#pragma once

#include <string>

#include "tools/ctl/flags.h"

namespace rawkv::ctl {

// Messages name commands in backquotes: "see `rawkv-ctl fsck`". Adds the store and a moved device to each of
// these commands, so that a user can type it as it stands. Leaves commands alone that need no store, and all
// of them if the store comes from RAWKV_STORE and the device from STORE.
std::string CompleteHints(std::string text, const Flags& flags);

}  // namespace rawkv::ctl
