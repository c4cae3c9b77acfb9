#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>

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

 protected:
  static int64_t Negated(int64_t result) { return result < 0 ? -errno : result; }
};

}  // namespace rawkv
