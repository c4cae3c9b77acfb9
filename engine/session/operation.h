#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
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
// list of completions.
struct Operation final : Place {
  struct Read {
    std::string key;
    Bytes out;
    std::optional<Result<std::optional<IndexEntry>>> found;  // by the look-up
    PayloadIo::ReadJob job;  // length 0: nothing is to be read from the device
  };

  Operation(Place::Kind kind, SessionOp op) : Place(kind) { completion.op = op; }

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
