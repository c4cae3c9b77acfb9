#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/write_batch.h"
#include "engine/live/core.h"
#include "wal/change_set.h"

namespace rawkv {

// A commit before it is in the log: its payload is written to the device, not flushed, and its record is
// encoded.
struct PreparedCommit {
  std::string body;  // encoded change set
  ChangeSet changes;
  std::vector<Extent> reserved;  // slots that hold its payload
  uint64_t user_bytes = 0;
};

// kInvalidArgument: the batch can never be committed to this store. Changes nothing.
Status ValidateBatch(const WriteBatch& batch, const StoreContext& context);

// Reserves slots, writes the payload and encodes the record. Releases every slot after an error. Thread-safe.
// If no slots are free, calls the functions of `make_space` in order, each at most once.
Result<PreparedCommit> PrepareCommit(const WriteBatch& batch, const StoreContext& context, Core& core,
                                     const std::vector<std::function<Status()>>& make_space);

// Releases the slots of a commit that is not applied. If it was refused for lack of room, also gives back the
// blocks that its payload took in a sparse device file.
void ReleaseCommit(const StoreContext& context, Core& core, const PreparedCommit& commit,
                   const Status& refusal);

}  // namespace rawkv
