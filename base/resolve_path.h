#pragma once

#include <string>

#include "base/export.h"
#include "base/fs.h"

// What a path that the user names means to the kernel. Neither function takes ".." apart as text: where
// `link` is a symlink, `link/../x` lies next to the directory that the link names.
namespace rawkv {

// `path` below the working directory if it is relative, without trailing slashes. Resolves nothing.
std::string AbsolutePath(const std::string& path);

// `path` as an absolute path without symlinks and "..", as far as it exists; what does not exist or cannot
// be looked at stays as it is written, so that the call that uses it fails as the kernel would. Below a
// resolved directory no link needs to be followed any more (Fs follows none in the last component).
std::string ResolvePath(Fs& fs, const std::string& path);

}  // namespace rawkv
