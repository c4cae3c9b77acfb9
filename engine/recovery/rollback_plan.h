#pragma once

#include <vector>

#include "engine/api/info.h"
#include "engine/api/options.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// How far a store goes. They differ only where the log is damaged.
struct StoreEnd {
  Version newest;  // made and acknowledged once, as far as anything shows
  Version intact;  // can still be reached
};

// Pure: what a rollback to `target` will do, and what stands against it (protocols: rollback step 1).
// `holds`: open views, exports, leases. kVersionUnreachable if no snapshot and log lead to the target.
Result<RollbackPlan> MakeRollbackPlan(const StoreSurvey& survey, StoreEnd end, Version target,
                                      const std::vector<VersionHold>& holds, const RollbackOptions& options);

// kFailedPrecondition listing what blocks, or ok.
Status CheckNotBlocked(const RollbackPlan& plan);

}  // namespace rawkv
