#include "blockdev/ring_io_queue.h"

#include <utility>

#include "base/exception_status.h"

namespace rawkv {

Result<std::unique_ptr<IoQueue>> RingIoQueue::Make(BlockDevice& device, std::unique_ptr<IoRing> ring,
                                                   ReapedRing::Options options) {
  std::unique_ptr<RingIoQueue> queue(new RingIoQueue(device, std::move(ring), std::move(options)));
  RAWKV_RETURN_IF_ERROR(queue->thread_.Start([self = queue.get()] { self->Run(); }));
  return std::unique_ptr<IoQueue>(std::move(queue));
}

RingIoQueue::~RingIoQueue() {
  {
    MutexLock lock(mu_);
    stop_ = true;
  }
  changed_.NotifyOne();
  thread_.Join();
}

void RingIoQueue::Submit(std::span<Job* const> jobs) {
  ring_.Add(jobs);
  ring_.Start(ReapedRing::Pace::kNow);
  bool wake = false;
  {
    MutexLock lock(mu_);
    submitted_ = true;
    wake = std::exchange(asleep_, false);
  }
  if (wake) changed_.NotifyOne();  // otherwise the thread waits for the ring, and looks here afterwards
}

void RingIoQueue::Run() noexcept {
  for (;;) {
    while (Job* stray = ring_.TakeStray()) RunSerially(stray);
    if (ring_.Wait(IoRing::kForever)) {
      ring_.Reap();
      continue;
    }
    MutexLock lock(mu_);
    while (!submitted_ && !stop_) {
      asleep_ = true;
      changed_.Wait(mu_);
    }
    asleep_ = false;
    if (!submitted_) return;
    submitted_ = false;
  }
}

void RingIoQueue::RunSerially(Job* job) {
  IoRequest& request = job->request_;
  if (request.status.ok()) {
    request.status = NoThrow([&] { return device_.Submit(std::span(&request, 1)); });
  }
  job->OnDone();
}

}  // namespace rawkv
