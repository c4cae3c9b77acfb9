#pragma once

#include <span>

#include "engine/engine_info.h"
#include "engine/rollback_marker.h"
#include "engine/store_context.h"

namespace rawkv {

// Rollback as one table of named steps; act, recovery and crash tests all read it (invariant 6).
//
//   mark → build → [switch] → device → current → working → pins → snapshots → log → unmark
//
// Before `switch` (the rename of STORE) a failure or a restart undoes; from it on a restart finishes:
// each later step may be done twice. No commit and no allocation happen before `unmark` is durable.

struct RollbackStep {
  const char* name;
  bool after_switch;
  Status (*run)(StoreContext&, const RollbackMarker&);
};
std::span<const RollbackStep> RollbackSteps();

// Does the plan. Index and log must be closed. On error nothing has changed (undone), unless the
// switch had happened: then kIoError and the next open finishes.
Status RunRollback(StoreContext& context, const RollbackPlan& plan);

// At open: a rollback that was interrupted is undone or finished; ok if there is none.
Status FinishOrUndoRollback(StoreContext& context);

}  // namespace rawkv
