#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "blockdev/block_device.h"
#include "blockdev/transfer.h"

namespace rawkv {

// Transfers that no thread waits for. A caller submits a job and returns. Later the queue calls the job's
// OnDone.
//
//   1. Submit never waits for a transfer.
//   2. Each submitted job gets exactly one OnDone, also if its request is invalid or the device fails. After
//      OnDone has begun, neither the queue nor the kernel touches the job or its buffer.
//   3. Submit and OnDone allocate nothing for the queue, so a lack of memory loses no job.
//
// Thread-safe. The device must outlive the queue. When the queue is destroyed, no job may be under way.
class IoQueue {
 public:
  class Job {
   public:
    explicit Job(const IoRequest& request) : request_(request), transfer_(request) {}
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    // The status is that of the transfer. Runs on a thread of the queue. May submit other jobs and destroy
    // this one. Must not throw, and must not wait for another job.
    virtual void OnDone() = 0;
    const Status& status() const { return request_.status; }
    // The bytes if its transfers used registered memory, else 0.
    uint64_t registered_bytes() const { return registered_ ? request_.buffer.size() : 0; }

   private:
    friend class JobList;
    friend class PoolIoQueue;
    friend class ReapedRing;
    friend class RingIoQueue;
    IoRequest request_;
    Transfer transfer_;  // its progress on a ring
    bool registered_ = false;
    Job* next_ = nullptr;
  };

  virtual ~IoQueue() = default;
  virtual void Submit(std::span<Job* const> jobs) = 0;

  // ReapedRing documents these two. The default refuses with kNotSupported.
  virtual Result<uint64_t> RegisterMemory(Bytes /*memory*/) {
    return Status::NotSupported("the engine of the device does not register memory");
  }
  virtual void UnregisterMemory(uint64_t /*id*/) {}
};

// Jobs in the order in which they were pushed. Allocates nothing.
class JobList {
 public:
  bool empty() const { return first_ == nullptr; }
  IoQueue::Job* front() const { return first_; }
  void Push(IoQueue::Job* job) {
    job->next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = job;
    last_ = job;
  }
  IoQueue::Job* Pop() {
    IoQueue::Job* const job = first_;
    if (job != nullptr) first_ = job->next_;
    return job;
  }

 private:
  IoQueue::Job* first_ = nullptr;
  IoQueue::Job* last_ = nullptr;
};

}  // namespace rawkv
