#pragma once

#include <sys/stat.h>

#include <string>

#include "base/status.h"

namespace rawkv {

// Refuses a regular file or block device that someone else is using, with kFailedPrecondition and who
// it is: mounted (or a partition of it), swap, held by another block device (LVM, RAID, crypt), behind
// a loop device, open exclusively, or locked. `info` is the result of stat on `path`. Reads only; the
// answer is true for the moment of the call.
Status CheckDeviceIsUnused(const std::string& path, const struct stat& info);

}  // namespace rawkv
