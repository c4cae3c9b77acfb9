#include "blockdev/device_fd.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <fstream>
#include <thread>

namespace rawkv {

namespace {

std::string SysPath(const char* kind, dev_t device) {
  return std::string("/sys/dev/") + kind + "/" + std::to_string(major(device)) + ":" +
         std::to_string(minor(device));
}

bool IsNvmeGeneric(dev_t device) {
  char target[PATH_MAX];
  const std::string link = SysPath("char", device) + "/subsystem";
  const ssize_t length = ::readlink(link.c_str(), target, sizeof(target));
  return length > 0 && std::string_view(target, static_cast<size_t>(length)).ends_with("/nvme-generic");
}

struct Opened {
  UniqueFd fd;
  bool direct = false;
};

// Opens with O_DIRECT if that is wanted and the filesystem supports it.
Result<Opened> OpenFd(const std::string& path, int flags, bool want_direct) {
  int error = EINVAL;
  for (const bool direct : {true, false}) {
    if (direct && !want_direct) continue;
    UniqueFd fd = OpenUninterrupted(path, flags | (direct ? O_DIRECT : 0));
    if (fd.valid()) return Opened{.fd = std::move(fd), .direct = direct};
    error = errno;
    if (error != EINVAL) break;
  }
  if (error == EBUSY || error == ETXTBSY) {
    return Status::Busy(path + ": in use by another program or the system; stop its user first");
  }
  return Status::FromErrno(error, "open of " + path);
}

// Reads one block, since some filesystems accept O_DIRECT at open but refuse the first transfer.
bool DirectReadWorks(int fd) {
  AlignedBuffer block(kBlockAlign);
  return ::pread(fd, block.data(), kBlockAlign, 0) >= 0 || errno != EINVAL;
}

bool DiscardSupported(int fd, const struct stat& info) {
  if (S_ISREG(info.st_mode)) {
    // A hole past the end changes nothing, and the result shows whether the filesystem can punch holes.
    const uint64_t past_end = AlignUp(static_cast<uint64_t>(info.st_size), kBlockAlign) + kBlockAlign;
    return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(past_end),
                       kBlockAlign) == 0;
  }
  const std::string sys = SysPath("block", info.st_rdev);
  for (const char* queue : {"/queue", "/../queue"}) {  // a partition uses the queue of its disk
    uint64_t bytes = 0;
    if (std::ifstream(sys + queue + "/discard_max_bytes") >> bytes) return bytes > 0;
  }
  return false;
}

// True if the allocated blocks are smaller than the file. st_blocks counts units of 512 bytes.
bool HasHoles(const struct stat& info) {
  return S_ISREG(info.st_mode) &&
         static_cast<uint64_t>(info.st_blocks) * 512 < static_cast<uint64_t>(info.st_size);
}

}  // namespace

Result<DeviceKind> DeviceKindOf(mode_t mode, dev_t device, const std::string& path) {
  if (S_ISREG(mode)) return DeviceKind::kFile;
  if (S_ISBLK(mode)) return DeviceKind::kBlockDevice;
  if (S_ISCHR(mode) && IsNvmeGeneric(device)) return DeviceKind::kNvmeChar;
  const char* what = S_ISDIR(mode)    ? "a directory"
                     : S_ISCHR(mode)  ? "a character device that is not NVMe"
                     : S_ISFIFO(mode) ? "a pipe"
                                      : "a socket";
  return Status::InvalidArgument(path + ": is " + what +
                                 "; name a regular file, a block device or an NVMe character device");
}

Result<uint64_t> SizeOfDevice(int fd, const struct stat& info, const std::string& path) {
  if (S_ISREG(info.st_mode)) return static_cast<uint64_t>(info.st_size);
  uint64_t bytes = 0;
  if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0) return Status::FromErrno(errno, "size of " + path);
  int logical_block = 0;
  if (::ioctl(fd, BLKSSZGET, &logical_block) != 0) return Status::FromErrno(errno, "block size of " + path);
  if (static_cast<uint64_t>(logical_block) > kBlockAlign) {
    return Status::NotSupported(path + ": logical blocks of " + std::to_string(logical_block) +
                                " bytes; at most " + std::to_string(kBlockAlign) + " are supported");
  }
  return bytes;
}

Status LockDeviceFd(int fd, const std::string& path) {
  // After a process with an io_uring was killed, the kernel ends its transfers for a moment more, and keeps
  // the device open until then. udev holds a shared lock for a short time after a writer has closed a block
  // device.
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    int returned = 0;
    do {
      returned = ::flock(fd, LOCK_EX | LOCK_NB);
    } while (returned != 0 && errno == EINTR);
    if (returned == 0) return Status::Ok();
    if (errno != EWOULDBLOCK) return Status::FromErrno(errno, "lock of " + path);
  }
  return Status::Busy(path + ": locked by another program, probably a store that is open; close it first");
}

Result<DeviceFd> OpenDeviceFd(const std::string& path, const DeviceOpenOptions& options) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Status::FromErrno(errno, "open of " + path);
  RAWKV_ASSIGN_OR_RETURN(const DeviceKind kind, DeviceKindOf(info.st_mode, info.st_rdev, path));
  if (kind == DeviceKind::kNvmeChar) {
    return Status::NotSupported(path + ": is an NVMe character device; use the engine nvme or auto");
  }
  int flags = options.writable ? O_RDWR : O_RDONLY;
  if (options.writable && kind == DeviceKind::kBlockDevice) flags |= O_EXCL;
  RAWKV_ASSIGN_OR_RETURN(Opened opened, OpenFd(path, flags, options.cache == CacheMode::kDirect));
  const int fd = opened.fd.get();

  struct stat now {};
  if (::fstat(fd, &now) != 0) return Status::FromErrno(errno, "stat of " + path);
  if (now.st_ino != info.st_ino || now.st_dev != info.st_dev) {
    return Status::Busy(path + ": replaced while rawkv opened it; try again");
  }
  if (options.writable) RAWKV_RETURN_IF_ERROR(LockDeviceFd(fd, path));

  RAWKV_ASSIGN_OR_RETURN(const uint64_t size, SizeOfDevice(fd, now, path));
  if (size < kBlockAlign) {
    return Status::FailedPrecondition(path + ": holds " + std::to_string(size) +
                                      " bytes, less than one block; is it the right device?");
  }
  if (opened.direct && !DirectReadWorks(fd)) {
    // Clears the flag instead of opening again: the lock belongs to this descriptor.
    if (::fcntl(fd, F_SETFL, 0) != 0) return Status::FromErrno(errno, "fcntl of " + path);
    opened.direct = false;
  }
  DeviceFd out;
  out.geometry = {.kind = kind,
                  .capacity_bytes = size / kBlockAlign * kBlockAlign,
                  .direct = opened.direct,
                  .discard_supported = options.writable && DiscardSupported(fd, now),
                  .sparse = HasHoles(now),
                  .file_id = {.filesystem = now.st_dev, .inode = now.st_ino}};
  if (!opened.direct && options.cache == CacheMode::kDirect) {
    out.cache_note = "buffered, because the filesystem of " + path + " refuses O_DIRECT";
  }
  out.fd = std::move(opened.fd);
  return out;
}

}  // namespace rawkv
