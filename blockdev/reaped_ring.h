#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "blockdev/io_queue.h"
#include "blockdev/io_ring.h"

namespace rawkv {

// Jobs on one io_uring, without a thread: the threads that submit and wait also reap (docs/adr/0035).
//
//   1. A job is in exactly one place: in waiting_, in pushed_ (in the ring, but the kernel has not taken it),
//      in flight (the kernel has it), in strays_, or with the caller.
//   2. Pushed and in-flight jobs together never exceed the depth.
//   3. Once the ring has failed, nothing more is submitted to it. Jobs that the kernel has not taken become
//      strays.
//   4. Nothing here allocates after the constructor, so a lack of memory loses no job.
//
// Thread-safe, except that only one thread at a time may be in Wait or Reap. The device must outlive the
// jobs.
class ReapedRing {
 public:
  using Job = IoQueue::Job;
  struct Options {
    uint32_t depth = 64;  // 1 … the ring's entries
    // Validates a request and counts it; the device's method.
    std::function<Status(const IoRequest&)> admit;
  };
  ReapedRing(const BlockDevice& device, std::unique_ptr<IoRing> ring, Options options);

  // Queues jobs. The next Start, Wait or Reap passes them to the kernel.
  void Add(std::span<Job* const> jobs) RAWKV_EXCLUDES(mu_);
  // Passes the queued jobs to the kernel, without waiting for the device. kTogether: not yet if transfers are
  // in flight and fewer than kTogetherMax jobs are queued, so that one system call passes many.
  enum class Pace : uint8_t { kNow, kTogether };
  static constexpr size_t kTogetherMax = 16;
  void Start(Pace pace) RAWKV_EXCLUDES(mu_);

  // Passes all jobs to the kernel. Then waits until a transfer has ended, until Wake, or for `timeout_ms`
  // milliseconds (IoRing::kForever: no limit). Returns at once if there are strays, and false if no job is
  // waiting or in flight.
  bool Wait(int64_t timeout_ms) RAWKV_EXCLUDES(mu_);
  // Ends a Wait, or the next one. May come to nothing while the ring refuses calls.
  void Wake() RAWKV_EXCLUDES(mu_);
  // Calls OnDone of each job that has ended, on this thread. Never waits.
  void Reap() RAWKV_EXCLUDES(mu_);

  // Registers memory (not empty) with the kernel, in pieces of 1 GiB, and returns an id. Transfers within a
  // piece cost the kernel less from now on. The memory must stay mapped until it is unregistered. Takes as
  // long as the kernel needs to bring the pages into memory. Nothing is registered after an error:
  // kNotSupported; kNoSpace: 64 pieces are registered; kIoError: the memory cannot be locked.
  Result<uint64_t> RegisterMemory(Bytes memory) RAWKV_EXCLUDES(mu_);
  void UnregisterMemory(uint64_t id) RAWKV_EXCLUDES(mu_);

  // Takes a job that the ring does not transfer: its status is an error if the request is invalid; otherwise
  // the ring has failed. The caller runs it elsewhere. Null: there is none.
  Job* TakeStray() RAWKV_EXCLUDES(mu_);

 private:
  static constexpr int kMaxRefusals = 64;
  static constexpr uint64_t kWakeTag = 0;  // no job has the address 0

  // A slot of the ring's registered memory.
  struct Piece {
    uint64_t id = 0;  // of RegisterMemory; 0: the slot is free
    Bytes bytes;      // empty: it is being registered or unregistered
  };
  static constexpr uint64_t kPieceBytes = 1ull << 30;

  std::optional<uint32_t> FindSlot(Bytes buffer) const RAWKV_REQUIRES(mu_);
  void Pump() RAWKV_REQUIRES(mu_);
  void SubmitPushed() RAWKV_REQUIRES(mu_);
  void HandleRefusal(int error) RAWKV_REQUIRES(mu_);
  void HandleCompletion(const IoRing::Completion& completion, JobList& done) RAWKV_REQUIRES(mu_);

  const BlockDevice& device_;
  const Options options_;
  // Push and Submit are called under mu_, Wait and Reap by the thread that waits or reaps, the two calls
  // about memory by any.
  const std::unique_ptr<IoRing> ring_;

  Mutex mu_;
  JobList waiting_ RAWKV_GUARDED_BY(mu_);
  size_t waiting_count_ RAWKV_GUARDED_BY(mu_) = 0;
  std::vector<Job*> pushed_ RAWKV_GUARDED_BY(mu_);  // oldest first; null: a wake
  JobList strays_ RAWKV_GUARDED_BY(mu_);
  size_t in_flight_ RAWKV_GUARDED_BY(mu_) = 0;  // with the wake, if it is in flight
  bool wake_under_way_ RAWKV_GUARDED_BY(mu_) = false;
  bool pause_ RAWKV_GUARDED_BY(mu_) = false;  // a transfer makes no progress
  int refusals_ RAWKV_GUARDED_BY(mu_) = 0;    // consecutive ones
  bool failed_ RAWKV_GUARDED_BY(mu_) = false;
  std::array<Piece, IoRing::kMemorySlots> pieces_ RAWKV_GUARDED_BY(mu_);
  uint64_t last_memory_id_ RAWKV_GUARDED_BY(mu_) = 0;
};

}  // namespace rawkv
