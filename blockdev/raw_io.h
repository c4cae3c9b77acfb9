#pragma once

#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace rawkv {

// The system calls of a device. Each method makes one call, without retries. Tests replace it to make calls
// short, interrupted or failing. A result is the number of bytes moved (0 for a sync) or a negated errno.
// Thread-safe.
class RawIo {
 public:
  virtual ~RawIo() = default;
  virtual int64_t ReadAt(int fd, uint64_t offset, Bytes out) {
    return Negated(::pread(fd, out.data(), out.size(), static_cast<off_t>(offset)));
  }
  virtual int64_t WriteAt(int fd, uint64_t offset, ConstBytes bytes) {
    return Negated(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  }
  virtual int64_t DataSync(int fd) { return Negated(::fdatasync(fd)); }

  // One NVMe command on an NVMe character device, which has ended when the call returns. The result is 0, a
  // positive NVMe status, or a negated errno.
  virtual int64_t NvmeIo(int fd, const nvme_uring_cmd& command) {
    return NvmeCall(fd, NVME_IOCTL_IO64_CMD, command);
  }
  virtual int64_t NvmeAdmin(int fd, const nvme_uring_cmd& command) {
    return NvmeCall(fd, NVME_IOCTL_ADMIN64_CMD, command);
  }
  // The identifier of the namespace, or a negated errno.
  virtual int64_t NvmeNamespaceId(int fd) { return Negated(::ioctl(fd, NVME_IOCTL_ID)); }

 protected:
  static int64_t Negated(int64_t result) { return result < 0 ? -errno : result; }

 private:
  static int64_t NvmeCall(int fd, unsigned long request, const nvme_uring_cmd& command) {
    nvme_passthru_cmd64 call{};  // the same fields, followed by the result
    static_assert(sizeof(call) == sizeof(command) + sizeof(call.result));
    std::memcpy(&call, &command, sizeof(command));
    return Negated(::ioctl(fd, request, &call));
  }
};

}  // namespace rawkv
