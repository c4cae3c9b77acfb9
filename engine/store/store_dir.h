#pragma once

#include <string>

#include "base/fs.h"

namespace rawkv {

// The directory that `dir` leads to (ResolvePath): below it, no link is followed. kInvalidArgument if empty.
Result<std::string> ResolveStoreDir(Fs& fs, const std::string& dir);

// How STORE remembers the device at an absolute path: by its name alone if it lies in the store's (resolved)
// directory, so that the directory can be moved, else by the path.
std::string DeviceHintOf(Fs& fs, const std::string& store_dir, const std::string& device_path);

// Whether `name` is the directory that a fresh ext4 has in its root: no content, and left alone.
bool IsLostAndFound(Fs& fs, const std::string& dir, const std::string& name);

}  // namespace rawkv
