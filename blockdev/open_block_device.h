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
  kDirect,    // O_DIRECT, or buffered I/O if the filesystem refuses it; `reason` then mentions it
  kBuffered,  // through the page cache; durability is the same (Flush)
};

struct DeviceOpenOptions {
  // auto: nvme for an NVMe character device (/dev/ngXnY); otherwise io_uring if available, else posix.
  // `reason` explains the choice.
  IoEngine engine = IoEngine::kAuto;
  CacheMode cache = CacheMode::kDirect;
  uint32_t queue_depth = 64;  // 1 … 1024 transfers of a batch in flight
  bool writable = true;       // read-only opens take no exclusive lock
};

struct OpenedDevice {
  std::unique_ptr<BlockDevice> device;
  IoEngine used = IoEngine::kPosix;
  std::string reason;  // why this engine is used, in one line
};

// Opens a regular file, a block device or an NVMe character device for I/O. A writable open takes flock on
// the descriptor that it uses for I/O, and opens a block device with O_EXCL; for an NVMe character device it
// holds the block device of the namespace with O_EXCL. kBusy if another user holds it. If the caller names an
// engine that is not available for the device, the result is kNotSupported; only kAuto falls back, and not
// for an NVMe character device. kNotSupported also for a namespace that rawkv cannot use: metadata or
// protection information, zones, blocks that do not divide 4096 bytes. kNotFound if the path is missing. The
// size of a file does not change.
RAWKV_EXPORT Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options);

// Makes a sparse file of exactly `capacity_bytes` (mode 0600), and syncs it and its directory.
// kFailedPrecondition if the path exists, or lies below /dev (except /dev/shm): there it is the mistyped name
// of a block device, and the file would be lost at the next start of the machine.
RAWKV_EXPORT Status CreateDeviceFile(const std::string& path, uint64_t capacity_bytes);

}  // namespace rawkv
