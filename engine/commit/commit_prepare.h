#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/api/write_batch.h"
#include "engine/live/core.h"
#include "wal/change_set.h"

namespace rawkv {

// The change set of a commit without the conditional puts whose keys existed.
struct FilteredChanges {
  std::string body;
  ChangeSet changes;
};

// A commit before it is in the log: its payload is written to the device, not flushed, and its record is
// encoded.
struct PreparedCommit {
  std::string body;  // encoded change set
  ChangeSet changes;
  std::vector<Extent> reserved;  // slots that hold its payload
  uint64_t user_bytes = 0;
  std::vector<uint32_t> if_absent;  // the conditional puts, as ascending indexes of changes.ops

  // Set by DecideConditions. Both change sets are kept, since a group that fails is decided again.
  std::vector<uint32_t> existed;
  std::optional<FilteredChanges> filtered;

  ConstBytes record_body() const { return AsBytes(filtered ? filtered->body : body); }
  ChangeSet& effective() { return filtered ? filtered->changes : changes; }
};

// kInvalidArgument: the batch can never be committed to this store. Changes nothing.
Status ValidateBatch(const WriteBatch& batch, const StoreContext& context);

// The three steps of preparing a commit, on the caller's thread. Each is thread-safe. After an error the
// caller calls ReleaseCommit.
//
// Makes the change set and reserves slots. If no slots are free, calls the functions of `make_space` in
// order, each at most once.
Status PlanCommit(const WriteBatch& batch, const StoreContext& context, Core& core,
                  const std::vector<std::function<Status()>>& make_space, PreparedCommit& out);
// Writes the payload of one or several planned commits.
struct PlannedCommit {
  const WriteBatch* batch = nullptr;
  PreparedCommit* commit = nullptr;
};
Status WritePayload(std::span<const PlannedCommit> commits, Core& core);
// Encodes the record, once the payload is written. kInvalidArgument: it does not fit a log segment.
Status EncodeRecord(const StoreContext& context, const Core& core, PreparedCommit& commit);

// Releases the slots of a commit that is not applied. If it was refused for lack of room, also gives back the
// blocks that its payload took in a sparse device file.
void ReleaseCommit(const StoreContext& context, Core& core, const PreparedCommit& commit,
                   const Status& refusal);

}  // namespace rawkv
