#pragma once

#include <span>

#include "engine/api/info.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_context.h"

namespace rawkv {

// Rollback as one table of named steps; act, recovery and crash tests all read it (invariant 6).
//
//   mark → build → [switch] → device → current → working → pins → snapshots → log → unmark
//
// Before `switch` (the rename of STORE) a failure or a restart undoes; from it on a restart finishes:
// each later step may be done twice. No commit and no allocation happen before `unmark` is durable.

enum class RollbackPhase : uint8_t {
  kPrepare,  // index and log may be open and read, but nobody writes them
  kSwitch,   // the instant
  kFinish,   // index and log are closed
};

struct RollbackStep {
  const char* name;
  RollbackPhase phase;
  Status (*run)(StoreContext&, const RollbackMarker&);
};
std::span<const RollbackStep> RollbackSteps();

// STORE's chain with a new branch `id` that forks after `fork`, and without the branches of which neither log
// nor snapshots hold anything. kFailedPrecondition if it would be too long for STORE.
Result<LineageChain> MakeForkedChain(StoreContext& context, Lineage id, Version fork);

// A rollback in its three phases, for an engine that lets readers continue during the first. After an error
// of PrepareRollback, or when the caller gives up after it, UndoRollback leaves the store unchanged.
RollbackMarker MakeRollbackMarker(const StoreContext& context, const RollbackPlan& plan);
Status PrepareRollback(StoreContext& context, const RollbackMarker& marker);
Status UndoRollback(StoreContext& context, const RollbackMarker& marker);

enum class SwitchOutcome : uint8_t {
  kDone,     // the rollback takes effect; FinishRollback comes next
  kNotDone,  // STORE is the old one; UndoRollback comes next
  kUnclear,  // STORE cannot be read or made durable; only a recovery can tell
};
// `*error` says why the outcome is not kDone.
SwitchOutcome SwitchRollback(StoreContext& context, const RollbackMarker& marker, Status* error);
Status FinishRollback(StoreContext& context, const RollbackMarker& marker);

// All phases, for a store that is not running. On error nothing has changed (undone), unless the
// switch had happened: then kIoError and the next open finishes.
Status RunRollback(StoreContext& context, const RollbackPlan& plan);

// At open: a rollback that was interrupted is undone or finished; ok if there is none.
Status FinishOrUndoRollback(StoreContext& context);

}  // namespace rawkv
