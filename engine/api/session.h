#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/result.h"
#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/api/write_batch.h"

namespace rawkv {

struct SessionOptions {
  // Operations that were accepted and whose completions were not drained yet, 1 … 1,048,576. Bounds the
  // memory of the session.
  uint64_t operations_max = 65'536;
  // Bytes of payload reads that are on their way from the device, at least 1. One transfer that is larger
  // goes alone. A read over the bound is accepted, and waits.
  uint64_t bytes_in_flight_max = 64ull << 20;
};

// One key of a SubmitGet or an Engine::MultiGetInto. The session copies the key. The memory belongs to the
// operation until it completes: nobody else may read or write it, and no other read under way may use it. If
// two reads write to the same memory, the check of their bytes reports damage (kCorruption) that the device
// does not have.
struct SessionRead {
  std::string_view key;
  Bytes out;  // as for Engine::GetInto. kInvalidArgument: it overlaps the memory of another read of the call.
};

// The answer for one key.
struct SessionAnswer {
  // Ok; kNotFound: there is no such key, and `out` is untouched; else an error of Engine::GetInto.
  Status status;
  uint64_t bytes = 0;  // length of the value; 0 for SubmitExists
  Version written_by;  // the version that wrote the value
};

enum class SessionOp : uint8_t { kGet, kExists, kCommit, kSync };

struct SessionCompletion {
  uint64_t id = 0;
  SessionOp op = SessionOp::kGet;
  // Of the whole operation: the status of the commit or the sync. For reads ok if each key has its own answer
  // in `answers`, else the error that all of them share.
  Status status;
  std::vector<SessionAnswer> answers;  // of reads, in the order of the keys
  CommitResult commit;                 // of commits
};

struct SessionStats {
  uint64_t accepted = 0;   // operations since the session was opened
  uint64_t completed = 0;  // of them, completed
  uint64_t refused = 0;    // submissions that got kBusy
  uint64_t bytes_in_flight = 0;
  uint64_t reads_from_memory = 0;  // operations whose look-up ran in Submit
  uint64_t reads_on_a_thread = 0;  // operations whose look-up could have blocked
  uint64_t direct_bytes = 0;       // read from the device directly into the caller's memory
  // Copied from a buffer of the session: of memory whose address is not a multiple of 4096, of chunks of less
  // than 64 KiB without room for the padding of their last block, and that block of larger ones.
  uint64_t bounced_bytes = 0;
  uint64_t registered_bytes = 0;  // of direct_bytes, those into registered memory
};

// Operations that no thread waits for. A program submits from one thread and waits on one descriptor.
//
//   1. Submit never waits for the device, a sync or another operation. It returns the id of the operation, or
//      an error, after which nothing of the operation remains.
//   2. Each accepted operation completes exactly once, also after an error, a failed sync, a rollback, and
//      when the session or the engine is closed. Nothing touches its memory after that.
//   3. Within a session, an operation sees the effect of each earlier operation on its keys, and of no later
//      one. Earlier means a smaller id. An earlier operation that failed has no effect. Operations on
//      different keys may complete in any order. A range delete is earlier or later for each key in its
//      range; a Sync covers each earlier commit of the session.
//   4. The session returns only bytes whose checksum passed, as Engine does.
//
// While other reads are under way, up to 16 new ones may go to the device only with the next Submit, Wait or
// Drain. So submit what is wanted, then wait.
//
// SubmitCommit does not report the error of a batch (kInvalidArgument), but its completion does.
//
// Threads: every call is thread-safe, except Close and the destructor, during which no other call may run.
// fork: a process that was forked after OpenSession gets kFailedPrecondition from every call.
class RAWKV_EXPORT Session {
 public:
  virtual ~Session() = default;  // calls Close and drops completions that were not drained

  // Each returns the id of the operation. kBusy: operations_max; drain, and submit again.
  // kFailedPrecondition: the session or the engine is closed, or the engine is read-only and the call would
  // write. kPoisoned: a commit or a sync after a failed sync. kInvalidArgument: no key. kIoError: there is no
  // memory for the operation.

  // Reads the values of `reads`, which may name a key more than once. One answer for each of them. Values of
  // different keys need not come from one version.
  virtual Result<uint64_t> SubmitGet(std::span<const SessionRead> reads) = 0;
  // Status ok or kNotFound for each key. Reads no payload.
  virtual Result<uint64_t> SubmitExists(std::span<const std::string_view> keys) = 0;
  // Commits the batch, which is moved from only if the operation is accepted. Borrowed values must stay
  // unchanged until the operation completes. A rollback that begins before the commit is numbered answers it
  // with kNotApplied.
  virtual Result<uint64_t> SubmitCommit(WriteBatch&& batch, const CommitOptions& options = {}) = 0;
  // Makes every earlier commit of the session durable, and with them all acknowledged versions.
  virtual Result<uint64_t> SubmitSync() = 0;

  // Registers memory of the caller, so that reads into it cost the kernel less (io_uring's fixed buffers).
  // Any part of it may be used, by this session. It must stay mapped until the session is closed. Returns
  // after the kernel has brought all pages into memory. Everything works without; nothing has changed after
  // an error. kNotSupported: another engine than io_uring, or a kernel before 5.19. kIoError: the limit of
  // locked memory (ulimit -l). kNoSpace: all sessions of the engine together have registered 64 pieces; a
  // piece is at most 1 GiB. kInvalidArgument: no memory.
  virtual Status RegisterMemory(Bytes memory) = 0;

  // A descriptor that is readable exactly while completions wait. The session reads and closes it; the caller
  // only polls it. The first call waits for the reads that are on their way from the device. From then on a
  // thread completes reads, which costs more than Wait and Drain do; a caller that can wait in Wait does not
  // ask for the descriptor.
  virtual int event_fd() const = 0;
  // Moves up to out.size() completions to `out`, in the order in which they completed, and returns their
  // number. Never waits. Also after Close.
  virtual size_t Drain(std::span<SessionCompletion> out) = 0;
  // Waits until a completion can be drained. False: `timeout_ms` milliseconds have passed, or nothing is
  // under way that could complete. Negative: no time limit.
  virtual bool Wait(int64_t timeout_ms) = 0;

  // Refuses new operations, and returns when each accepted one has completed. Their completions can still be
  // drained. Idempotent. The engine's Close does the same for every session.
  virtual Status Close() = 0;
  virtual SessionStats stats() const = 0;
};

}  // namespace rawkv
