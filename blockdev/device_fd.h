#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "blockdev/block_device.h"
#include "blockdev/open_block_device.h"

namespace rawkv {

// A descriptor ready for device I/O: locked as asked, its geometry known.
struct DeviceFd {
  UniqueFd fd;
  Geometry geometry;
  std::string cache_note;  // why O_DIRECT is not used although asked for; else empty
};

// What lies at an existing path: kFile, kBlockDevice or kNvmeChar. kInvalidArgument for anything else
// (directory, pipe, other character device), named by `path`.
Result<DeviceKind> DeviceKindOf(mode_t mode, dev_t device, const std::string& path);

// Opens, locks and measures. Errors as OpenBlockDevice; kNotSupported for NVMe character devices.
Result<DeviceFd> OpenDeviceFd(const std::string& path, const DeviceOpenOptions& options);

// Takes the exclusive advisory lock that every writer of a device holds. kBusy if another has it.
Status LockDeviceFd(int fd, DeviceKind kind, const std::string& path);

}  // namespace rawkv
