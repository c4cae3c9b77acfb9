#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "blockdev/block_device.h"
#include "blockdev/open_block_device.h"

namespace rawkv {

// An open device: locked if it is writable, and with a known geometry.
struct DeviceFd {
  UniqueFd fd;
  Geometry geometry;
  std::string cache_note;  // why O_DIRECT is not used although it was requested; else empty
};

// The kind of an existing file by its stat result: kFile, kBlockDevice or kNvmeChar. kInvalidArgument for
// other kinds (directory, pipe, other character device). `path` is for the message.
Result<DeviceKind> DeviceKindOf(mode_t mode, dev_t device, const std::string& path);

// Opens a file or block device, locks it and reads its geometry. Errors as OpenBlockDevice; kNotSupported for
// NVMe character devices, which OpenNvmeNode opens.
Result<DeviceFd> OpenDeviceFd(const std::string& path, const DeviceOpenOptions& options);

// The size of an open regular file or block device, in bytes. `info` is its stat result.
Result<uint64_t> SizeOfDevice(int fd, const struct stat& info, const std::string& path);

// Takes the exclusive advisory lock that every writer of a device holds. kBusy if another writer holds it and
// does not release it within a second.
Status LockDeviceFd(int fd, const std::string& path);

}  // namespace rawkv
