#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/thread.h"
#include "blockdev/io_queue.h"

namespace rawkv {

// An IoQueue of a few threads, each of which runs one transfer at a time. For devices without a ring.
class PoolIoQueue final : public IoQueue {
 public:
  // Starts `threads` threads, or fewer if the system refuses more. kIoError: it refuses the first one.
  static Result<std::unique_ptr<IoQueue>> Make(BlockDevice& device, uint32_t threads);
  ~PoolIoQueue() override;
  void Submit(std::span<Job* const> jobs) override;

 private:
  explicit PoolIoQueue(BlockDevice& device) : device_(device) {}
  void Run();

  BlockDevice& device_;
  Mutex mu_;
  CondVar changed_;
  JobList waiting_ RAWKV_GUARDED_BY(mu_);
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace rawkv
