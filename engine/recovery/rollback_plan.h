#pragma once

#include <vector>

#include "engine/api/info.h"
#include "engine/api/options.h"
#include "engine/index/key_index.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// The end of a store. The two versions differ only if the log is damaged.
struct StoreEnd {
  Version newest;  // the newest version of which there is any trace
  Version intact;  // the newest version that can be reached
};

// The kind of the engine's own view from which it makes a snapshot, inside the gate. It blocks no rollback,
// which shuts the gate first.
inline constexpr const char* kSnapshotView = "snapshot";

// Plans a rollback to `target`, with everything that blocks it (protocols: rollback step 1). Pure. `holds`
// are open views, exports and leases. kVersionUnreachable: no snapshot and log lead to the target.
Result<RollbackPlan> MakeRollbackPlan(const StoreSurvey& survey, StoreEnd end, Version target,
                                      const std::vector<VersionHold>& holds, const RollbackOptions& options);

// Fills `plan->start`, if step "build" can start from `working`, the working index or a read-only opening of
// it.
void FindRollbackStart(const LineageChain& chain, KeyIndex& working, RollbackPlan* plan);

// kFailedPrecondition, with everything that blocks the rollback; ok if nothing does.
Status CheckNotBlocked(const RollbackPlan& plan);

}  // namespace rawkv
