#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "blockdev/block_device.h"
#include "blockdev/io_ring.h"
#include "blockdev/transfer.h"

namespace rawkv {

// Runs one batch over one ring. Thread-compatible.
//
// 1. A request is in exactly one place: not begun (next_ and above), again_, queued_ (in the ring, not
//    yet the kernel's), in flight (the kernel's), or ended.
// 2. Queued and in-flight requests together never exceed the depth.
// 3. Run does not return while anything is in flight: the kernel may still write to the buffers. So
//    nothing in it throws, not even without memory.
// 4. Once the ring has refused for good nothing more is handed over; what is in flight is awaited.
class RingBatch {
 public:
  struct Options {
    uint32_t depth = 1;       // 1 … the ring's entries
    const std::string& path;  // for messages
  };

  RingBatch(IoRing& ring, Options options, std::span<IoRequest> batch, const BlockDevice::OnDone& on_done);

  // Ends every request. False if the ring must not be used again: it may hold calls that were never
  // handed over.
  bool Run() noexcept;

 private:
  static constexpr int kMaxRefusals = 64;

  void Fill();
  void HandOver();
  void Refused(int error);
  void Abandon(int error);
  void AwaitCompletion();
  size_t Reap();
  void Completed(const IoRing::Completion& completion);
  void End(size_t index, Status status);
  Status RingFailed(size_t index) const;

  IoRing& ring_;
  const Options options_;
  const std::span<IoRequest> batch_;
  const BlockDevice::OnDone& on_done_;

  std::vector<Transfer> transfers_;  // one a request
  std::vector<size_t> again_;        // to be handed over once more
  std::vector<size_t> queued_;       // oldest first
  size_t next_ = 0;
  size_t in_flight_ = 0;
  size_t ended_ = 0;
  int refusals_ = 0;    // in a row
  int ring_error_ = 0;  // errno; non-zero once the ring has been given up
};

}  // namespace rawkv
