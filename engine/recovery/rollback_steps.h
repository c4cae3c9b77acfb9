#pragma once

#include <span>

#include "engine/api/info.h"
#include "engine/index/key_index.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_context.h"

namespace rawkv {

// A rollback as one table of named steps, which drives the engine, the recovery and the crash tests
// (invariant 6).
//
//   mark → build → [switch] → device → current → working → pins → snapshots → log → unmark
//
// Before `switch` (the rename of STORE) a failure or a restart undoes the rollback. After it a restart
// finishes it, so each later step is idempotent. No commit and no allocation happens before `unmark` is
// durable.

enum class RollbackPhase : uint8_t {
  kPrepare,  // index and log may be open and read, but nobody writes to them
  kSwitch,   // the instant of the rollback
  kFinish,   // index and log are closed
};

// Where step "build" may take the target's index from. It needs neither: the snapshot and the log suffice.
struct RollbackSource {
  bool working = false;      // the working index and its undo records, if they lead to the target
  KeyIndex* live = nullptr;  // the working index if it is open
};

struct RollbackStep {
  const char* name;
  RollbackPhase phase;
  Status (*run)(StoreContext&, const RollbackMarker&, const RollbackSource&);
};
std::span<const RollbackStep> RollbackSteps();

// STORE's record with a new branch `id` that forks after `fork`: nothing above it is proven any more. Leaves
// out the branches to which neither the log nor a snapshot belongs. kFailedPrecondition: the chain would be
// too long for STORE.
Result<StoreRecord> MakeForkedRecord(StoreContext& context, Lineage id, Version fork);

// A rollback in its three phases, for an engine that lets readers continue during the first one. After an
// error of PrepareRollback, or if the caller ends the rollback after it, UndoRollback leaves the store
// unchanged.
RollbackMarker MakeRollbackMarker(const StoreContext& context, const RollbackPlan& plan);
Status PrepareRollback(StoreContext& context, const RollbackMarker& marker, const RollbackSource& source);
Status UndoRollback(StoreContext& context, const RollbackMarker& marker);

enum class SwitchOutcome : uint8_t {
  kDone,     // the rollback takes effect; FinishRollback comes next
  kNotDone,  // STORE is the old one; UndoRollback comes next
  kUnclear,  // STORE cannot be read or made durable; a recovery finds out
};
// `*error` is the reason if the outcome is not kDone.
SwitchOutcome SwitchRollback(StoreContext& context, const RollbackMarker& marker, Status* error);
Status FinishRollback(StoreContext& context, const RollbackMarker& marker);

// All phases, for a store that is not running. An error before the switch is undone. After an error past the
// switch, the next open finishes the rollback.
Status RunRollback(StoreContext& context, const RollbackPlan& plan, const RollbackSource& source);

// Finishes or undoes an interrupted rollback (protocols: open step 3). Ok if there is none.
Status FinishOrUndoRollback(StoreContext& context);

}  // namespace rawkv
