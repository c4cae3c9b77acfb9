#pragma once

#include <thread>

#include "base/mutex.h"
#include "base/status.h"
#include "blockdev/block_device.h"

namespace rawkv {

// Flushes the device on a thread of its own, so that the flush and the log's sync overlap: records
// carry checksums and recovery verifies payloads above `durable_through`, so their order does not
// matter (design §4 Commit). One Start/Wait pair at a time.
class FlushWorker {
 public:
  explicit FlushWorker(BlockDevice& device);
  ~FlushWorker();
  void Start();
  Status Wait();  // of the flush begun last

 private:
  void Run();

  BlockDevice& device_;
  Mutex mu_;
  CondVar changed_;
  bool wanted_ RAWKV_GUARDED_BY(mu_) = false;
  bool done_ RAWKV_GUARDED_BY(mu_) = true;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Status result_ RAWKV_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace rawkv
