#pragma once

#include <string>

#include "base/export.h"
#include "base/fs.h"

// Resolves paths as the kernel does. Neither function removes ".." from the text: if `link` is a symlink,
// then `link/../x` is next to the directory that the link names.
namespace rawkv {

// Makes a relative path absolute by the working directory, and removes trailing slashes. Resolves no links.
std::string AbsolutePath(const std::string& path);

// Makes `path` absolute, and resolves symlinks and ".." as far as the path exists. A part that does not exist
// or cannot be read stays as written, so that a later call fails as the kernel would. Fs does not follow a
// symlink in the last component, and need not for a path below a resolved directory.
std::string ResolvePath(Fs& fs, const std::string& path);

}  // namespace rawkv
