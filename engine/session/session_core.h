#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/fork_guard.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "blockdev/reaped_ring.h"
#include "engine/session/chunk_run.h"
#include "engine/session/operation.h"
#include "engine/session/session_hub.h"

namespace rawkv {

// One session (Session documents the calls). Every operation that is under way holds a reference, so that the
// session outlives the threads that still work for it.
//
//   1. `active_` counts the operations that were accepted and are not in `done_`. Complete moves one there,
//      once.
//   2. The bytes of the transfers under way do not exceed bytes_in_flight_max, unless there is only one.
//   3. Once event_fd() was called, event_fd_ is readable if and only if `done_` is not empty. Both change
//      under mu_. Before that call, nobody polls it, and it is not touched.
//   4. Before that call, transfers use the session's own ring, if it has one. The threads that call Drain,
//      Wait and Close reap it, one at a time (`reaping_`); threads that wait for readers do so as well
//      (Attend). After that call, transfers use the hub's queue.
class SessionCore : public std::enable_shared_from_this<SessionCore> {
 public:
  // `ring` may be null.
  SessionCore(SessionHub& hub, const SessionOptions& options, UniqueFd event_fd,
              std::unique_ptr<ReapedRing> ring);
  ~SessionCore();

  bool forked() const { return process_.forked(); }
  Result<uint64_t> SubmitGet(std::span<const SessionRead> reads);
  Result<uint64_t> SubmitExists(std::span<const std::string_view> keys);
  Result<uint64_t> SubmitCommit(WriteBatch&& batch, const CommitOptions& options);
  Result<uint64_t> SubmitSync();
  Status RegisterMemory(Bytes memory);
  int event_fd();
  size_t Drain(std::span<SessionCompletion> out);
  bool Wait(int64_t timeout_ms);
  void Close();
  SessionStats stats() const;

  // For the hub. Looks up a read that may begin. kFromMemory: passes it to a look-up thread if it would
  // block.
  enum class LookUp : uint8_t { kFromMemory, kMayBlock };
  void RunLookUp(Operation* operation, LookUp mode) noexcept;
  // The outcome of a commit or a sync is in its completion.
  void FinishWrite(Operation* operation) noexcept;
  // Completes the reads whose transfers have ended, if no other thread does. Never waits for the device.
  void Attend() noexcept;

  // For ChunkRun. Its transfers have ended.
  void FinishChunk(ChunkRun* run, const Status& status) noexcept;

 private:
  Result<std::unique_ptr<Operation>> MakeRead(SessionOp op, size_t keys);
  Result<uint64_t> SubmitReads(std::unique_ptr<Operation> operation);
  Result<uint64_t> SubmitWrite(std::unique_ptr<Operation> operation, WriteBatch* batch);
  Status CheckOpen() const RAWKV_REQUIRES(mu_);
  Status CheckCanWrite() const;
  Status Admit() RAWKV_REQUIRES(mu_);
  uint64_t Accept(Operation& operation) RAWKV_REQUIRES(mu_);
  void Keep(Operation* operation) RAWKV_REQUIRES(mu_);

  // Whether the look-up has finished. False: it would block.
  bool LookUpKeys(Operation& operation, LookUp mode);
  void Answer(Operation& operation, size_t read);
  // Queues ready writes for the committer, and returns the reads that may begin.
  OperationList BeginReady(ReadyPlaces& ready) RAWKV_REQUIRES(mu_);
  // Chunks that are to be transferred now, as a list.
  ChunkRun* PickChunks() RAWKV_REQUIRES(mu_);
  // Moves to the next chunk of the operation that is to be transferred. Its bytes, or 0.
  uint64_t NextChunk(Operation& operation) RAWKV_REQUIRES(mu_);
  ChunkRun* MakeRun() RAWKV_REQUIRES(mu_);
  void StartChunks(ChunkRun* runs) noexcept;
  void PassStrays();
  void Complete(Operation* operation) RAWKV_REQUIRES(mu_);
  void SetReadable() RAWKV_REQUIRES(mu_);

  // Reaps the session's ring if transfers are on it and no other thread does. Otherwise waits until an
  // operation completes or the reaping thread stops. Each for at most `timeout_ms` milliseconds.
  void WaitForProgress(int64_t timeout_ms) RAWKV_REQUIRES(mu_);
  // False: another thread reaps, or no transfer is on the ring.
  bool TryReap(int64_t timeout_ms) RAWKV_REQUIRES(mu_);

  const ForkGuard process_;  // of its own, since the session may outlive the engine
  SessionHub& hub_;          // not used once `active_` is 0 and the session is closed
  const SessionOptions options_;
  const UniqueFd event_fd_;
  const std::unique_ptr<ReapedRing> ring_;

  std::atomic<bool> blocked_{false};  // the thread that reaps may wait for the ring; set under mu_

  mutable Mutex mu_;
  CondVar changed_;  // an operation has completed, or no thread reaps any more
  OrderTable order_ RAWKV_GUARDED_BY(mu_);
  OperationList for_device_ RAWKV_GUARDED_BY(mu_);  // with chunks that were not picked
  OperationList done_ RAWKV_GUARDED_BY(mu_);
  OperationList kept_ RAWKV_GUARDED_BY(mu_);  // reads for another use
  size_t kept_count_ RAWKV_GUARDED_BY(mu_) = 0;
  ChunkRun* kept_runs_ RAWKV_GUARDED_BY(mu_) = nullptr;
  size_t kept_runs_count_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t last_id_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t active_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t undrained_ RAWKV_GUARDED_BY(mu_) = 0;  // accepted and not drained
  size_t on_ring_ RAWKV_GUARDED_BY(mu_) = 0;      // chunks that the session's ring transfers
  size_t waiters_ RAWKV_GUARDED_BY(mu_) = 0;      // on changed_
  bool reaping_ RAWKV_GUARDED_BY(mu_) = false;    // a thread reaps the session's ring
  bool polled_ RAWKV_GUARDED_BY(mu_) = false;     // event_fd() was called
  bool closed_ RAWKV_GUARDED_BY(mu_) = false;
  SessionStats stats_ RAWKV_GUARDED_BY(mu_);
  // Memory that RegisterMemory has registered with the hub's queue and with the session's ring.
  struct Registered {
    uint64_t in_queue = 0, in_ring = 0;  // ids; 0: not registered
  };
  std::vector<Registered> memory_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
