#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "blockdev/block_device.h"

namespace rawkv {

// A submission queue and its completions, without policy: the seam where a test refuses, delays and
// alters them. Thread-compatible; may change threads while nothing is in flight.
class IoRing {
 public:
  struct Call {
    uint64_t tag = 0;  // comes back with the completion
    IoKind kind = IoKind::kRead;
    DeviceOffset offset{};
    Bytes buffer{};  // must live until its completion was reaped
  };
  struct Completion {
    uint64_t tag = 0;
    int64_t result = 0;  // bytes moved, or a negated errno
  };

  virtual ~IoRing() = default;  // nothing may be in flight
  // Queues a call; false when the queue is full.
  virtual bool Push(const Call& call) = 0;
  // Hands queued calls to the kernel, oldest first, without waiting. Returns how many it has taken, or
  // a negated errno if none; the others stay queued.
  virtual int Submit() = 0;
  // Waits until a completion can be reaped. 0 or a negated errno.
  virtual int Wait() = 0;
  // Takes finished calls, without waiting. Returns how many.
  virtual size_t Reap(std::span<Completion> out) = 0;
};

// A ring for calls on `fd` with room for `entries`. kNotSupported, with the cause, if there is none.
using RingFactory = std::function<Result<std::unique_ptr<IoRing>>(int fd, uint32_t entries)>;

}  // namespace rawkv
