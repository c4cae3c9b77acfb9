#pragma once

#include <string>

#include "base/status.h"

namespace rawkv {

enum class SignaturePolicy { kRefuse, kOverwrite };

// Decides whether the existing file or block device `path` may become a rawkv device. Returns
// kFailedPrecondition with the cause if the device or a partition of it is mounted, is swap, or is held by
// another program. Returns it also if libblkid finds a signature or there is a rawkv superblock, unless
// `policy` is kOverwrite. Always refuses other kinds of files (directories, FIFOs, character devices that are
// not NVMe). Only reads.
Status CheckDeviceMayBeFormatted(const std::string& path, SignaturePolicy policy);

}  // namespace rawkv
