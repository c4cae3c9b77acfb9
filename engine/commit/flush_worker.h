#pragma once

#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"
#include "blockdev/block_device.h"

namespace rawkv {

// Flushes the device on a thread of its own, so that the flush and the log's sync overlap: records
// carry checksums and recovery verifies payloads above `durable_through`, so their order does not
// matter (protocols: commit step 9). One Begin/Wait pair at a time.
class FlushWorker {
 public:
  explicit FlushWorker(BlockDevice& device) : device_(device) {}
  ~FlushWorker();
  // Starts the thread; once, before the first Begin. kIoError when the system refuses another thread.
  Status Start();
  void Begin();   // a flush
  Status Wait();  // for the flush that began last; its result

 private:
  void Run();

  BlockDevice& device_;
  Mutex mu_;
  CondVar changed_;
  bool wanted_ RAWKV_GUARDED_BY(mu_) = false;
  bool done_ RAWKV_GUARDED_BY(mu_) = true;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Status result_ RAWKV_GUARDED_BY(mu_);
  Thread thread_;
};

}  // namespace rawkv
