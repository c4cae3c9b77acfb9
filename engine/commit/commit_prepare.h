#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/write_batch.h"
#include "engine/live/core.h"
#include "wal/change_set.h"

namespace rawkv {

// A commit on its way to the log: its payload is on the device (not flushed), its record encoded.
struct PreparedCommit {
  std::string body;  // encoded change set
  ChangeSet changes;
  std::vector<Extent> reserved;  // slots that hold its payload
  uint64_t user_bytes = 0;
};

// kInvalidArgument for what can never be committed to this store. Touches nothing.
Status ValidateBatch(const WriteBatch& batch, const StoreContext& context);

// Reserves slots, writes payloads, encodes the record; on any error every slot is given back. Runs in
// the caller's thread, many at a time. Each of `make_space` is called at most once, in order, when no
// slots are free.
Result<PreparedCommit> PrepareCommit(const WriteBatch& batch, const StoreContext& context, Core& core,
                                     const std::vector<std::function<Status()>>& make_space);

// Gives back what a commit that is not applied holds: its slots and, where it was refused for lack of room,
// the room that its payload took in a device file with holes.
void ReleaseCommit(const StoreContext& context, Core& core, const PreparedCommit& commit,
                   const Status& refusal);

}  // namespace rawkv
