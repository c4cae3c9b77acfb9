#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/api/session.h"
#include "engine/index/index_entry.h"
#include "engine/payload/payload_io.h"
#include "engine/read/reader_epochs.h"
#include "engine/session/order_table.h"

namespace rawkv {

class SessionCore;

// An operation of a session from its acceptance until its completion is drained. Exactly one of these has it
// at a time: the submitting thread, the order table, a queue of the hub, the reads of the device, or the
// list of completions. Afterwards the session keeps it for another operation.
struct Operation final : Place {
  struct Read {
    std::string key;
    Bytes out;
    std::optional<Result<std::optional<IndexEntry>>> found;  // by the look-up
    PayloadIo::ReadJob job;  // length 0: nothing is to be read from the device
  };
  // Keys, and answers, whose memory an operation keeps.
  static constexpr size_t kKeptKeys = 16;
  static constexpr size_t kKeptKeyBytes = 256;

  Operation(Place::Kind kind, SessionOp op) : Place(kind) { completion.op = op; }
  // Gives the completion to the caller, and prepares the operation, which is a read, for another use. Keeps
  // the memory of the caller's earlier answers.
  void Recycle(SessionCompletion& out) {
    std::swap(out, completion);
    completion.status = {};
    completion.commit = {};
    completion.answers.clear();
    if (completion.answers.capacity() > kKeptKeys) completion.answers = {};
    if (reads.size() > kKeptKeys) reads = {};
    for (Read& read : reads) {
      if (read.key.capacity() > kKeptKeyBytes) read.key = {};
      read.found.reset();
      read.job = {};
    }
    Place::Reset();
    next_read = next_chunk = chunks_under_way = 0;
  }

  std::shared_ptr<SessionCore> session;  // until the completion
  SessionCompletion completion;
  Operation* next = nullptr;  // in a list

  // Reads.
  std::vector<Read> reads;
  bool fast = false;                         // counted by OrderTable::TryFastRead, not in the table
  std::optional<ReaderEpochs::Guard> epoch;  // from the look-up until the last transfer has ended
  PayloadIo* payload = nullptr;              // of the same time
  size_t next_read = 0;                      // the next chunk to be transferred
  uint64_t next_chunk = 0;
  size_t chunks_under_way = 0;

  // Commits.
  WriteBatch batch;
  CommitOptions options;
  uint64_t rollbacks = 0;  // of the engine when the operation was accepted
};

// Operations in the order in which they were pushed. Allocates nothing.
class OperationList {
 public:
  bool empty() const { return first_ == nullptr; }
  Operation* front() const { return first_; }
  void Push(Operation* operation) {
    operation->next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = operation;
    last_ = operation;
  }
  Operation* Pop() {
    Operation* const operation = first_;
    if (operation != nullptr) first_ = operation->next;
    return operation;
  }

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

}  // namespace rawkv
