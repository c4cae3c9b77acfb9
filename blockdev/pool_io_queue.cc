#include "blockdev/pool_io_queue.h"

#include "base/exception_status.h"

namespace rawkv {

Result<std::unique_ptr<IoQueue>> PoolIoQueue::Make(BlockDevice& device, uint32_t threads) {
  std::unique_ptr<PoolIoQueue> queue(new PoolIoQueue(device));
  for (uint32_t i = 0; i < threads; ++i) {
    auto thread = std::make_unique<Thread>();
    const Status started = thread->Start([self = queue.get()] { self->Run(); });
    if (!started.ok() && queue->threads_.empty()) return started;
    if (!started.ok()) break;
    queue->threads_.push_back(std::move(thread));
  }
  return std::unique_ptr<IoQueue>(std::move(queue));
}

PoolIoQueue::~PoolIoQueue() {
  {
    MutexLock lock(mu_);
    stop_ = true;
  }
  changed_.NotifyAll();
  for (const std::unique_ptr<Thread>& thread : threads_) thread->Join();
}

void PoolIoQueue::Submit(std::span<Job* const> jobs) {
  {
    MutexLock lock(mu_);
    for (Job* job : jobs) waiting_.Push(job);
  }
  jobs.size() == 1 ? changed_.NotifyOne() : changed_.NotifyAll();
}

void PoolIoQueue::Run() {
  for (;;) {
    Job* job = nullptr;
    {
      MutexLock lock(mu_);
      while (waiting_.empty() && !stop_) changed_.Wait(mu_);
      job = waiting_.Pop();
      if (job == nullptr) return;
    }
    IoRequest& request = job->request_;
    const Status status = NoThrow([&] { return device_.Submit(std::span(&request, 1)); });
    request.status = status;
    job->OnDone();
  }
}

}  // namespace rawkv
