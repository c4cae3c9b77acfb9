#pragma once

#include <string>

#include "base/fs.h"

namespace rawkv {

// Absolute, without trailing slashes; purely by name.
std::string AbsolutePath(const std::string& path);

// AbsolutePath, and the directory itself if `dir` is a symlink to it: below it, no link is followed.
Result<std::string> ResolveStoreDir(Fs& fs, const std::string& dir);

}  // namespace rawkv
