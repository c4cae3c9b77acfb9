#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rawkv::ctl {

// Replaces the content of `path` by `bytes` in one step: writes a temporary file next to it, syncs it, and
// renames it over `path`. After a failure or a kill the old content is complete. If `path` is a symlink, the
// file that it names is replaced. A device or pipe (/dev/stdout) is written directly. kInvalidArgument for a
// directory, or if the directory above does not exist.
Status ReplaceFile(const std::string& path, std::string_view bytes);

}  // namespace rawkv::ctl
