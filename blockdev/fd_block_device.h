#pragma once

#include <memory>
#include <string>

#include "base/fork_guard.h"
#include "base/unique_fd.h"
#include "blockdev/block_device.h"
#include "blockdev/raw_io.h"
#include "blockdev/transfer.h"

namespace rawkv {

// The common part of all devices on a file descriptor: flush, discard, and a batch as one system call after
// the other. Owns the descriptor, and thereby the lock.
class FdBlockDevice : public BlockDevice {
 public:
  // Unlocks explicitly, since a forked process may have a copy of the descriptor, which would keep the lock.
  // Such a process does not unlock, since that would release its parent's lock.
  ~FdBlockDevice() override;

 protected:
  FdBlockDevice(std::string path, Geometry geometry, UniqueFd fd, std::shared_ptr<RawIo> raw)
      : BlockDevice(std::move(path), geometry), fd_(std::move(fd)), raw_(std::move(raw)) {}

  void RunSerially(std::span<IoRequest> batch, const OnDone& on_done);
  // Makes the transfer's next call and returns its result, for Transfer::HandleResult.
  virtual int64_t Call(const Transfer& transfer);
  // Uses fdatasync, for io_uring too: io_uring runs fsync on a kernel worker thread, and a flush waits for
  // the result, so the ring would only add a switch of threads. Never retried, not even after EINTR: after a
  // failed sync the kernel marks the pages clean, and a retry would succeed without writing them (invariant
  // 10).
  Status DoFlush() override;
  Status DoDiscard(DeviceOffset offset, uint64_t length) override;
  Status DoEnlarge(uint64_t capacity_bytes) override;
  Result<uint64_t> DoFindSize() override;

  int fd() const { return fd_.get(); }
  RawIo& raw() const { return *raw_; }

 private:
  const UniqueFd fd_;
  const std::shared_ptr<RawIo> raw_;
  const ForkGuard process_;
};

}  // namespace rawkv
