#pragma once

#include "base/mutex.h"
#include "base/status.h"
#include "base/thread.h"
#include "blockdev/block_device.h"

namespace rawkv {

// Flushes the device on a thread of its own, so that the flush and the log's sync overlap (protocols: commit
// step 9). Their order does not matter: records carry checksums of the payload, and a recovery verifies the
// payload above `durable_through`. One pair of Begin and Wait at a time.
class FlushWorker {
 public:
  explicit FlushWorker(BlockDevice& device) : device_(device) {}
  ~FlushWorker();
  // Starts the thread. Call it once, before the first Begin. kIoError: the system refuses another thread.
  Status Start();
  void Begin();   // begins a flush
  Status Wait();  // waits for that flush and returns its result

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
