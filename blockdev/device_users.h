#pragma once

#include <sys/stat.h>

#include <string>

#include "base/status.h"

namespace rawkv {

// Returns kFailedPrecondition, and names the user, if a regular file or a block device is in use: it or a
// partition of it is mounted or is swap; another block device (LVM, RAID, crypt) or a loop device uses it; a
// program has it open exclusively or locked. `info` is the result of stat on `path`. Only reads. The answer
// holds for the moment of the call.
Status CheckDeviceIsUnused(const std::string& path, const struct stat& info);

}  // namespace rawkv
