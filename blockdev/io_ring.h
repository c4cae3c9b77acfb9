#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "blockdev/block_device.h"

namespace rawkv {

// A submission queue and its completions, without a retry policy. Tests replace it to refuse, delay and alter
// calls. Push and Submit may run on one thread while Wait and Reap run on another; otherwise
// thread-compatible.
class IoRing {
 public:
  struct Call {
    uint64_t tag = 0;  // returned with the completion
    IoKind kind = IoKind::kRead;
    DeviceOffset offset{};
    Bytes buffer{};  // must stay alive until its completion is reaped
    // Of RegisterMemory, if the buffer lies within that piece.
    std::optional<uint32_t> memory_slot{};
  };
  struct Completion {
    uint64_t tag = 0;
    int64_t result = 0;  // bytes moved, a negated errno, or an NVMe status (nvme_status.h)
  };

  virtual ~IoRing() = default;  // no call may be in flight
  // Queues a call; false when the queue is full.
  virtual bool Push(const Call& call) = 0;
  // Queues a call that transfers nothing and completes at once, to end a Wait. False when the queue is full.
  virtual bool PushWake(uint64_t tag) = 0;
  // Passes queued calls to the kernel, oldest first, without waiting. Returns the number that the kernel
  // took, or a negated errno if it took none. The others stay queued.
  virtual int Submit() = 0;
  // Waits until a completion can be reaped, at most `timeout_ms` milliseconds; kForever: without a limit.
  // Returns 0 or a negated errno, -ETIME after the limit.
  static constexpr int64_t kForever = -1;
  virtual int Wait(int64_t timeout_ms) = 0;
  // Keeps the pages of `piece`, 1 byte to 1 GiB, in memory under a slot below kMemorySlots, so that transfers
  // in it cost the kernel less. Until it is unregistered the piece must stay mapped; transfers under way keep
  // its pages. These two may also run next to the other calls. kNotSupported; kIoError: the memory cannot be
  // locked.
  static constexpr uint32_t kMemorySlots = 64;
  virtual Status RegisterMemory(uint32_t /*slot*/, Bytes /*piece*/) {
    return Status::NotSupported("the engine of the device does not register memory");
  }
  virtual void UnregisterMemory(uint32_t /*slot*/) {}
  // Takes completions of finished calls, without waiting. Returns their number.
  virtual size_t Reap(std::span<Completion> out) = 0;
};

// Makes a ring for `entries` calls on `fd`. kNotSupported with the cause if no ring can be made.
using RingFactory = std::function<Result<std::unique_ptr<IoRing>>(int fd, uint32_t entries)>;

}  // namespace rawkv
