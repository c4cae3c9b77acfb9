#pragma once

#include <memory>
#include <string>

#include "base/fork_guard.h"
#include "base/unique_fd.h"
#include "blockdev/block_device.h"
#include "blockdev/raw_io.h"

namespace rawkv {

// What every device behind a file descriptor has in common: flush, discard, and a batch run by one
// call after the other. Owns the descriptor, and with it the lock.
class FdBlockDevice : public BlockDevice {
 public:
  // Unlocks explicitly: a forked process may have a copy of the descriptor, which would keep the lock.
  // Never in such a process, which would take the lock from its parent.
  ~FdBlockDevice() override;

 protected:
  FdBlockDevice(std::string path, Geometry geometry, UniqueFd fd, std::shared_ptr<RawIo> raw)
      : BlockDevice(std::move(path), geometry), fd_(std::move(fd)), raw_(std::move(raw)) {}

  void RunSerially(std::span<IoRequest> batch, const OnDone& on_done);
  // fdatasync, for io_uring too: its fsync goes to a kernel worker thread in any case, and a flush
  // waits for the answer, so that the ring would only add a switch of threads. Never retried, not
  // even after EINTR: pages of a failed sync count as clean, and the retry would lie (invariant 10).
  Status DoFlush() override;
  Status DoDiscard(DeviceOffset offset, uint64_t length) override;

  int fd() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
  const std::shared_ptr<RawIo> raw_;
  const ForkGuard process_;
};

}  // namespace rawkv
