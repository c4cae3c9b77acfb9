#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/result.h"
#include "blockdev/block_device.h"

namespace rawkv {

enum class IoEngine : uint8_t { kAuto, kPosix, kIoUring, kNvme };
RAWKV_EXPORT std::string_view IoEngineName(IoEngine engine);         // "auto", "posix", "io_uring", "nvme"
RAWKV_EXPORT Result<IoEngine> ParseIoEngine(std::string_view name);  // kInvalidArgument

enum class CacheMode : uint8_t {
  kDirect,    // O_DIRECT; a filesystem that refuses it gets buffered I/O, and `reason` says so
  kBuffered,  // through the page cache; durability is the same (Flush)
};

struct DeviceOpenOptions {
  IoEngine engine = IoEngine::kAuto;  // auto: io_uring, else posix with the reason told
  CacheMode cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;  // 1 … 1024 transfers in flight a batch
  bool writable = true;       // read-only opens take no exclusive lock
};

struct OpenedDevice {
  std::unique_ptr<BlockDevice> device;
  IoEngine used = IoEngine::kPosix;
  std::string reason;  // why this engine, one line
};

// Opens a regular file or a block device for I/O. A writable open takes flock on the very
// descriptor used for I/O and, on a block device, O_EXCL: kBusy if someone else holds it. An engine
// named explicitly never falls back (kNotSupported). kNotFound if the path is missing. A block
// device is never truncated; a file keeps its size.
RAWKV_EXPORT Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options);

// Makes a sparse file of exactly `capacity_bytes` (0600), synced, its directory synced.
// kFailedPrecondition if the path exists.
RAWKV_EXPORT Status CreateDeviceFile(const std::string& path, uint64_t capacity_bytes);

}  // namespace rawkv
