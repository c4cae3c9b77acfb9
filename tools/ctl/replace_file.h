#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rawkv::ctl {

// Makes `path` hold `bytes` in one step: a temporary file beside it, synced, renamed over it. A failure or a
// kill leaves the old content, whole. Through a symlink the file it names is replaced; a device or pipe
// (/dev/stdout) is written to. kInvalidArgument: a directory, or a place that is not there.
Status ReplaceFile(const std::string& path, std::string_view bytes);

}  // namespace rawkv::ctl
