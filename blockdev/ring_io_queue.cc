#include "blockdev/ring_io_queue.h"

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/check.h"
#include "base/exception_status.h"

namespace rawkv {

RingIoQueue::RingIoQueue(BlockDevice& device, std::unique_ptr<IoRing> ring, Options options)
    : device_(device), options_(std::move(options)), ring_(std::move(ring)) {
  pushed_.reserve(options_.depth);
}

Result<std::unique_ptr<IoQueue>> RingIoQueue::Make(BlockDevice& device, std::unique_ptr<IoRing> ring,
                                                   Options options) {
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
  for (Job* job : jobs) {
    job->request_.status = NoThrow([&] { return options_.admit(job->request_); });
  }
  bool wake = false;
  {
    MutexLock lock(mu_);
    wake = in_flight_ == 0;  // otherwise the thread waits for the ring, and looks here afterwards
    for (Job* job : jobs) waiting_.Push(job);
    Pump();
  }
  if (wake) changed_.NotifyOne();
}

void RingIoQueue::Pump() {
  if (failed_) return;
  JobList refused;
  while (in_flight_ + pushed_.size() < options_.depth && !waiting_.empty()) {
    Job* const job = waiting_.Pop();
    if (!job->status().ok()) {
      refused.Push(job);
      continue;
    }
    const Transfer& transfer = job->transfer_;
    if (!ring_->Push({.tag = reinterpret_cast<uintptr_t>(job),
                      .kind = transfer.kind(),
                      .offset = transfer.offset(),
                      .buffer = transfer.buffer()})) {
      refused.Push(job);
      break;
    }
    pushed_.push_back(job);
  }
  // An invalid job, and one that does not fit the ring, wait for the thread.
  while (!waiting_.empty()) refused.Push(waiting_.Pop());
  waiting_ = refused;
  if (pushed_.empty()) return;
  const int taken = ring_->Submit();
  if (taken <= 0) return HandleRefusal(taken == 0 ? EAGAIN : -taken);
  RAWKV_CHECK(static_cast<size_t>(taken) <= pushed_.size(), "the kernel takes only what was pushed");
  pushed_.erase(pushed_.begin(), pushed_.begin() + taken);
  in_flight_ += static_cast<size_t>(taken);
  refusals_ = 0;
}

void RingIoQueue::HandleRefusal(int error) {
  const bool passing = error == EINTR || error == EAGAIN || error == EBUSY;
  if (passing && ++refusals_ <= kMaxRefusals) return;
  failed_ = true;
  JobList all;
  for (Job* job : pushed_) all.Push(job);
  pushed_.clear();
  while (!waiting_.empty()) all.Push(waiting_.Pop());
  waiting_ = all;
}

void RingIoQueue::Run() noexcept {
  for (;;) {
    Job* serial = nullptr;
    switch (WaitForWork(&serial)) {
      case Work::kReap:
        ReapSome();
        break;
      case Work::kRunSerially:
        RunSerially(serial);
        break;
      case Work::kStop:
        return;
    }
  }
}

RingIoQueue::Work RingIoQueue::WaitForWork(Job** serial) {
  MutexLock lock(mu_);
  for (;;) {
    // A job with an error only needs its answer. After a failure of the ring, every job runs here.
    if (JobList rest = waiting_; !rest.empty()) {
      Job* const first = rest.Pop();
      if (failed_ || !first->status().ok()) {
        *serial = waiting_.Pop();
        return Work::kRunSerially;
      }
    }
    if (in_flight_ != 0) return Work::kReap;
    if (!pushed_.empty() || !waiting_.empty()) {
      // The kernel lacks a resource, and no completion will free it.
      if (refusals_ != 0) PauseForRetry();
      Pump();
      continue;
    }
    if (stop_) return Work::kStop;
    changed_.Wait(mu_);
  }
}

void RingIoQueue::ReapSome() {
  std::array<IoRing::Completion, 64> completions;
  size_t count = ring_->Reap(completions);
  if (count == 0) {
    // Completions appear in shared memory even if the wait for them fails, so a look after a pause finds
    // them.
    const int result = ring_->Wait();
    if (result < 0 && result != -EINTR) PauseForRetry();
    count = ring_->Reap(completions);
  }
  if (count == 0) return;
  JobList done;
  bool pause = false;
  {
    MutexLock lock(mu_);
    RAWKV_CHECK(count <= in_flight_, "a completion answers a call of this queue");
    in_flight_ -= count;
    refusals_ = 0;
    for (size_t i = 0; i < count; ++i) HandleCompletion(completions[i], done, &pause);
    Pump();
  }
  if (pause) PauseForRetry();
  while (Job* job = done.Pop()) job->OnDone();
}

void RingIoQueue::HandleCompletion(const IoRing::Completion& completion, JobList& done, bool* pause) {
  Job* const job = reinterpret_cast<Job*>(static_cast<uintptr_t>(completion.tag));
  // The kernel cancels calls of a thread that ends. The thread of the queue submits them again.
  if (completion.result == -ECANCELED) return waiting_.Push(job);
  Transfer::Next next = Transfer::Next::kDone;
  const Status thrown = NoThrow([&]() -> Status {
    next = job->transfer_.HandleResult(completion.result, device_.path());
    return {};
  });
  if (thrown.ok() && next != Transfer::Next::kDone) {
    *pause |= next == Transfer::Next::kPause;
    waiting_.Push(job);
    return;
  }
  job->request_.status = thrown.ok() ? job->transfer_.status() : thrown;
  done.Push(job);
}

void RingIoQueue::RunSerially(Job* job) {
  IoRequest& request = job->request_;
  if (request.status.ok()) {
    request.status = NoThrow([&] { return device_.Submit(std::span(&request, 1)); });
  }
  job->OnDone();
}

}  // namespace rawkv
