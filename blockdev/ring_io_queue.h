#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/thread.h"
#include "blockdev/io_queue.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// An IoQueue on one io_uring. The submitting thread passes its calls to the kernel, and one thread of the
// queue reaps them. So a submission needs no wake-up of another thread (docs/adr/0033).
//
//   1. A job is in exactly one place: in waiting_, in pushed_ (in the ring, but the kernel has not taken it),
//      in flight (the kernel has it), or done.
//   2. Pushed and in-flight jobs together never exceed the depth.
//   3. Once the ring has failed, nothing more is submitted to it. Jobs that the kernel has not taken then run
//      as plain system calls, one after the other, on the thread of the queue.
class RingIoQueue final : public IoQueue {
 public:
  struct Options {
    uint32_t depth = 64;  // 1 … the ring's entries
    // Validates a request and counts it; the device's method.
    std::function<Status(const IoRequest&)> admit;
  };
  // kIoError: the system refuses a thread.
  static Result<std::unique_ptr<IoQueue>> Make(BlockDevice& device, std::unique_ptr<IoRing> ring,
                                               Options options);
  ~RingIoQueue() override;
  void Submit(std::span<Job* const> jobs) override;

 private:
  static constexpr int kMaxRefusals = 64;

  RingIoQueue(BlockDevice& device, std::unique_ptr<IoRing> ring, Options options);
  void Run() noexcept;
  // Moves jobs from waiting_ to the ring and passes them to the kernel, as far as both take them.
  void Pump() RAWKV_REQUIRES(mu_);
  void HandleRefusal(int error) RAWKV_REQUIRES(mu_);
  // Waits until the thread has something to do: a completion to wait for, a job to run serially, or the end.
  enum class Work : uint8_t { kReap, kRunSerially, kStop };
  Work WaitForWork(Job** serial);
  void ReapSome();
  void HandleCompletion(const IoRing::Completion& completion, JobList& done, bool* pause) RAWKV_REQUIRES(mu_);
  void RunSerially(Job* job);

  BlockDevice& device_;
  const Options options_;
  // Push and Submit are called under mu_, Wait and Reap on the thread of the queue.
  const std::unique_ptr<IoRing> ring_;

  Mutex mu_;
  CondVar changed_;
  JobList waiting_ RAWKV_GUARDED_BY(mu_);
  std::vector<Job*> pushed_ RAWKV_GUARDED_BY(mu_);  // oldest first; its capacity is reserved
  size_t in_flight_ RAWKV_GUARDED_BY(mu_) = 0;
  int refusals_ RAWKV_GUARDED_BY(mu_) = 0;  // consecutive ones
  bool failed_ RAWKV_GUARDED_BY(mu_) = false;
  bool stop_ RAWKV_GUARDED_BY(mu_) = false;
  Thread thread_;
};

}  // namespace rawkv
