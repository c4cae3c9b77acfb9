#include "blockdev/open_block_device.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/fs.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "blockdev/device_fd.h"
#include "blockdev/io_seams.h"
#include "blockdev/io_uring_block_device.h"
#include "blockdev/nvme_block_device.h"
#include "blockdev/posix_block_device.h"

namespace rawkv {

namespace {
constexpr uint32_t kMaxQueueDepth = 1024;

// Below /dev a regular file lies in memory. /dev/shm is the place where programs want that.
bool IsDeviceDirectory(const std::string& resolved) {
  const std::string path = resolved + '/';
  return path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
}

Result<DeviceKind> KindOfDevice(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Status::FromErrno(errno, "open of " + path);
  return DeviceKindOf(info.st_mode, info.st_rdev, path);
}

Result<OpenedDevice> OpenNvmeBlockDevice(const std::string& path, const DeviceOpenOptions& options,
                                         IoSeams seams) {
  if (options.engine != IoEngine::kAuto && options.engine != IoEngine::kNvme) {
    return Status::NotSupported(
        "engine " + std::string(IoEngineName(options.engine)) + " for " + path +
        ": it is an NVMe character device; use the engine nvme, or the block device of "
        "the namespace");
  }
  RAWKV_ASSIGN_OR_RETURN(NvmeNode node, OpenNvmeNode(path, options.writable));
  RAWKV_ASSIGN_OR_RETURN(auto device, NvmeBlockDevice::Make(path, std::move(node), std::move(seams.raw),
                                                            {.make = std::move(seams.make_nvme_ring),
                                                             .queue_depth = options.queue_depth}));
  OpenedDevice out;
  out.used = IoEngine::kNvme;
  out.reason = options.engine == IoEngine::kAuto ? "nvme, because the device is an NVMe character device"
                                                 : "nvme, as asked";
  out.reason += "; " + device->Describe();
  if (options.cache == CacheMode::kBuffered) out.reason += "; direct, because it has no page cache";
  out.device = std::move(device);
  return out;
}
}  // namespace

std::string_view IoEngineName(IoEngine engine) {
  switch (engine) {
    case IoEngine::kAuto:
      return "auto";
    case IoEngine::kPosix:
      return "posix";
    case IoEngine::kIoUring:
      return "io_uring";
    case IoEngine::kNvme:
      return "nvme";
  }
  return "unknown";
}

Result<IoEngine> ParseIoEngine(std::string_view name) {
  for (const IoEngine engine : {IoEngine::kAuto, IoEngine::kPosix, IoEngine::kIoUring, IoEngine::kNvme}) {
    if (name == IoEngineName(engine)) return engine;
  }
  return Status::InvalidArgument("engine '" + std::string(name) + "': one of auto, posix, io_uring, nvme");
}

Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options) {
  return OpenBlockDevice(path, options, IoSeams{});
}

Result<OpenedDevice> OpenBlockDevice(const std::string& path, const DeviceOpenOptions& options,
                                     IoSeams seams) {
  if (options.queue_depth < 1 || options.queue_depth > kMaxQueueDepth) {
    return Status::InvalidArgument("queue depth " + std::to_string(options.queue_depth) + ": must be 1 to " +
                                   std::to_string(kMaxQueueDepth));
  }
  RAWKV_ASSIGN_OR_RETURN(const DeviceKind kind, KindOfDevice(path));
  if (kind == DeviceKind::kNvmeChar) return OpenNvmeBlockDevice(path, options, std::move(seams));
  if (options.engine == IoEngine::kNvme) {
    return Status::NotSupported("engine nvme for " + path + ": it is " + NvmeEngineAdvice(path, kind));
  }
  RAWKV_ASSIGN_OR_RETURN(DeviceFd opened, OpenDeviceFd(path, options));

  OpenedDevice out;
  if (options.engine != IoEngine::kPosix) {
    auto device =
        IoUringBlockDevice::Make(path, opened.geometry, opened.fd, seams.raw,
                                 {.make = std::move(seams.make_ring), .queue_depth = options.queue_depth});
    if (device.ok()) {
      out.device = *std::move(device);
      out.used = IoEngine::kIoUring;
      out.reason =
          options.engine == IoEngine::kAuto ? "io_uring, because it is available" : "io_uring, as asked";
    } else if (options.engine == IoEngine::kIoUring) {
      return Status::NotSupported("engine io_uring for " + path + ": " + device.status().message() +
                                  "; use auto or posix");
    } else {
      out.reason = "posix, because io_uring cannot be used: " + device.status().message();
    }
  } else {
    out.reason = "posix, as asked";
  }
  if (out.device == nullptr) {
    out.device =
        std::make_unique<PosixBlockDevice>(path, opened.geometry, std::move(opened.fd), std::move(seams.raw));
  }
  if (!opened.cache_note.empty()) out.reason += "; " + opened.cache_note;
  return out;
}

Status CreateDeviceFile(const std::string& path, uint64_t capacity_bytes) {
  if (capacity_bytes < kBlockAlign) {
    return Status::InvalidArgument(path + ": a capacity of " + std::to_string(capacity_bytes) +
                                   " bytes is less than one block");
  }
  Fs& fs = PosixFs();
  const std::string parent = ResolvePath(fs, ParentPath(path));
  if (IsDeviceDirectory(parent)) {
    return Status::FailedPrecondition(path + ": there is no such device, and a new file in " + parent +
                                      " would lie in memory; check the name");
  }
  RAWKV_ASSIGN_OR_RETURN(auto file, fs.Open(path, OpenMode::kCreateNew));
  Status status = file->Truncate(capacity_bytes);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = fs.SyncDir(parent);
  // An unfinished device file would make the next attempt fail. The first error is the one to return.
  if (!status.ok()) static_cast<void>(fs.RemoveFile(path).ok());
  return status;
}

}  // namespace rawkv
