#pragma once

#include <linux/nvme_ioctl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "blockdev/io_ring.h"
#include "blockdev/nvme_command.h"

namespace rawkv {

// A submission queue for NVMe commands, as IoRing is one for transfers. It neither encodes commands nor
// interprets their results. Tests replace it by a drive in memory. Threads as IoRing.
class NvmeCommandRing {
 public:
  struct Completion {
    uint64_t tag = 0;
    int64_t result = 0;  // 0, a positive NVMe status, or a negated errno
  };

  virtual ~NvmeCommandRing() = default;  // no command may be in flight
  // Queues a command; false when the queue is full. The memory that the command names must stay alive until
  // its completion is reaped.
  virtual bool Push(uint64_t tag, const nvme_uring_cmd& command) = 0;
  // These do the same as those of IoRing.
  virtual bool PushWake(uint64_t tag) = 0;
  virtual int Submit() = 0;
  virtual int Wait(int64_t timeout_ms) = 0;
  virtual size_t Reap(std::span<Completion> out) = 0;
};

// Makes a ring for `entries` commands on `fd`. kNotSupported with the cause if no ring can be made.
using NvmeCommandRingFactory =
    std::function<Result<std::unique_ptr<NvmeCommandRing>>(int fd, uint32_t entries)>;

// Transfers as NVMe commands. A call that is larger than one command may be moves only its first
// `transfer_bytes`, and the caller continues, as after any short transfer. A completion's result is the
// number of bytes moved, a negated errno, or an NVMe status (nvme_status.h). Threads as IoRing.
class NvmeRing final : public IoRing {
 public:
  struct Options {
    NvmeTarget target;
    // Writes end with EBADF otherwise, as on a descriptor that is open for reading: the kernel does not check
    // that for a privileged process.
    bool writable = false;
    uint32_t entries = 1;  // of `ring`
  };
  NvmeRing(std::unique_ptr<NvmeCommandRing> ring, Options options);

  bool Push(const Call& call) override RAWKV_EXCLUDES(mu_);
  bool PushWake(uint64_t tag) override RAWKV_EXCLUDES(mu_);
  int Submit() override { return ring_->Submit(); }
  int Wait(int64_t timeout_ms) override { return ring_->Wait(timeout_ms); }
  size_t Reap(std::span<Completion> out) override RAWKV_EXCLUDES(mu_);

 private:
  // A call that was pushed and not reaped. Its index is the tag of its command.
  struct Slot {
    uint64_t tag = 0;
    int64_t result = 0;  // after success
  };

  template <typename PushSlot>
  bool PushIntoSlot(Slot slot, const PushSlot& push) RAWKV_EXCLUDES(mu_);

  const std::unique_ptr<NvmeCommandRing> ring_;
  const Options options_;
  Mutex mu_;  // Push and Reap may run on two threads
  std::vector<Slot> slots_ RAWKV_GUARDED_BY(mu_);
  std::vector<uint32_t> free_ RAWKV_GUARDED_BY(mu_);  // indexes of slots_
};

}  // namespace rawkv
