#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/fork_guard.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "engine/session/operation.h"
#include "engine/session/session_hub.h"

namespace rawkv {

// One session (Session documents the calls). Every operation that is under way holds a reference, so that the
// session outlives the threads that still work for it.
//
//   1. `active_` counts the operations that were accepted and are not in `done_`. Complete moves one there,
//      once.
//   2. The bytes of the transfers under way do not exceed bytes_in_flight_max, unless there is only one.
//   3. event_fd_ is readable if and only if `done_` is not empty. Both change under mu_.
class SessionCore : public std::enable_shared_from_this<SessionCore> {
 public:
  SessionCore(SessionHub& hub, const SessionOptions& options, UniqueFd event_fd);
  ~SessionCore();

  bool forked() const { return process_.forked(); }
  Result<uint64_t> SubmitGet(std::span<const SessionRead> reads);
  Result<uint64_t> SubmitExists(std::span<const std::string_view> keys);
  Result<uint64_t> SubmitCommit(WriteBatch&& batch, const CommitOptions& options);
  Result<uint64_t> SubmitSync();
  int event_fd() const { return event_fd_.get(); }
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

 private:
  // A chunk that may be transferred now.
  struct Pick {
    Operation* operation = nullptr;
    size_t read = 0;
    uint64_t chunk = 0;
    uint64_t bytes = 0;  // that it counts in bytes_in_flight_
  };
  struct Picks {
    std::array<Pick, 32> picks;
    size_t count = 0;
  };
  struct ChunkRun;

  Status CheckUsable(const std::function<Status()>& check) const;
  Result<uint64_t> SubmitReads(std::unique_ptr<Operation> operation);
  Result<uint64_t> SubmitWrite(std::unique_ptr<Operation> operation, WriteBatch* batch);
  Status Admit() RAWKV_REQUIRES(mu_);
  uint64_t Accept(Operation& operation) RAWKV_REQUIRES(mu_);

  // Whether the look-up has finished. False: it would block.
  bool LookUpKeys(Operation& operation, LookUp mode);
  void Answer(Operation& operation, size_t read);
  // Queues ready writes for the committer, and returns the reads that may begin.
  OperationList BeginReady(ReadyPlaces& ready) RAWKV_REQUIRES(mu_);
  void PickChunks(Picks& out) RAWKV_REQUIRES(mu_);
  bool NextChunk(Operation& operation, Pick* pick) RAWKV_REQUIRES(mu_);
  void StartChunks(const Picks& picks) noexcept;
  void FinishChunk(const Pick& pick, const Status& status, uint64_t bounced_bytes) noexcept;
  void Complete(Operation* operation) RAWKV_REQUIRES(mu_);

  const ForkGuard process_;  // of its own, since the session may outlive the engine
  SessionHub& hub_;          // not used once `active_` is 0 and the session is closed
  const SessionOptions options_;
  const UniqueFd event_fd_;

  mutable Mutex mu_;
  CondVar changed_;  // an operation has completed
  OrderTable order_ RAWKV_GUARDED_BY(mu_);
  OperationList for_device_ RAWKV_GUARDED_BY(mu_);  // with chunks that were not picked
  OperationList done_ RAWKV_GUARDED_BY(mu_);
  uint64_t last_id_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t active_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t undrained_ RAWKV_GUARDED_BY(mu_) = 0;  // accepted and not drained
  bool closed_ RAWKV_GUARDED_BY(mu_) = false;
  SessionStats stats_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
