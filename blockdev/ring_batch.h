#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "blockdev/block_device.h"
#include "blockdev/io_ring.h"
#include "blockdev/transfer.h"

namespace rawkv {

// Runs one batch on one ring. Thread-compatible.
//
// 1. A request is in exactly one state: not begun (index next_ and above), in retries_, in queued_ (in the
// ring, but
//    the kernel has not taken it), in flight (the kernel has it), or ended.
// 2. Queued and in-flight requests together never exceed the depth.
// 3. Run does not return while a request is in flight, since the kernel may still write to its buffer. So
// nothing in
//    Run throws, not even for lack of memory.
// 4. Once the ring has failed, Run submits nothing more, and waits for the requests in flight.
class RingBatch {
 public:
  struct Options {
    uint32_t depth = 1;       // 1 … the ring's entries
    const std::string& path;  // for messages
  };

  RingBatch(IoRing& ring, Options options, std::span<IoRequest> batch, const BlockDevice::OnDone& on_done);

  // Ends every request. Returns false if the ring must not be used again: it may hold calls that the kernel
  // never took.
  bool Run() noexcept;

 private:
  static constexpr int kMaxRefusals = 64;

  void Fill();
  void SubmitQueued();
  void HandleRefusal(int error);
  void AbandonRing(int error);
  void WaitForCompletion();
  size_t Reap();
  void HandleCompletion(const IoRing::Completion& completion);
  void EndRequest(size_t index, Status status);
  Status RingError(size_t index) const;

  IoRing& ring_;
  const Options options_;
  const std::span<IoRequest> batch_;
  const BlockDevice::OnDone& on_done_;

  std::vector<Transfer> transfers_;  // one for each request
  std::vector<size_t> retries_;      // to be submitted again
  std::vector<size_t> queued_;       // oldest first
  size_t next_ = 0;
  size_t in_flight_ = 0;
  size_t ended_ = 0;
  int refusals_ = 0;    // consecutive ones
  int ring_error_ = 0;  // errno; nonzero once the ring has failed
};

}  // namespace rawkv
