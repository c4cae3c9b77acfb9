#pragma once

#include <string>

#include "base/status.h"

namespace rawkv {

enum class SignaturePolicy { kRefuse, kOverwrite };

// Decides whether `path` (existing file or block device) may be made a rawkv device. Refuses with
// kFailedPrecondition and the cause: always when mounted (or holding a mounted partition), used as
// swap, or held by another program; when libblkid knows a signature on it, or a rawkv superblock is
// there, unless `policy` is kOverwrite. Other kinds of files (directories, fifos, character devices
// that are not NVMe) are always refused. Reads only.
Status CheckDeviceMayBeFormatted(const std::string& path, SignaturePolicy policy);

}  // namespace rawkv
