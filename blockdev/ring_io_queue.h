#pragma once

#include <memory>

#include "base/mutex.h"
#include "base/result.h"
#include "base/thread.h"
#include "blockdev/io_queue.h"
#include "blockdev/reaped_ring.h"

namespace rawkv {

// An IoQueue on one io_uring. The submitting thread passes its calls to the kernel. One thread of the queue
// reaps them, and runs the strays of the ring as plain system calls, one after the other.
class RingIoQueue final : public IoQueue {
 public:
  // kIoError: the system refuses a thread.
  static Result<std::unique_ptr<IoQueue>> Make(BlockDevice& device, std::unique_ptr<IoRing> ring,
                                               ReapedRing::Options options);
  ~RingIoQueue() override;
  void Submit(std::span<Job* const> jobs) override;
  Result<uint64_t> RegisterMemory(Bytes memory) override { return ring_.RegisterMemory(memory); }
  void UnregisterMemory(uint64_t id) override { ring_.UnregisterMemory(id); }

 private:
  RingIoQueue(BlockDevice& device, std::unique_ptr<IoRing> ring, ReapedRing::Options options)
      : device_(device), ring_(device, std::move(ring), std::move(options)) {}
  void Run() noexcept;
  void RunSerially(Job* job);

  BlockDevice& device_;
  ReapedRing ring_;

  Mutex mu_;
  CondVar changed_;
  bool submitted_ RAWKV_GUARDED_BY(mu_) = false;  // since the thread last looked
  bool asleep_ RAWKV_GUARDED_BY(mu_) = false;     // the thread waits for changed_
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Thread thread_;
};

}  // namespace rawkv
