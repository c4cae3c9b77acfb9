#pragma once

#include <string>

#include "base/fs.h"

namespace rawkv {

// The directory that `dir` leads to (ResolvePath). Below it, no link is followed. kInvalidArgument: `dir` is
// empty.
Result<std::string> ResolveStoreDir(Fs& fs, const std::string& dir);

// The hint that STORE keeps for a device at an absolute path: the file name if the device is in the store's
// (resolved) directory, so that the directory can be moved, otherwise the path.
std::string DeviceHintOf(Fs& fs, const std::string& store_dir, const std::string& device_path);

}  // namespace rawkv
