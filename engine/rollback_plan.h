#pragma once

#include <vector>

#include "engine/engine.h"
#include "engine/store_survey.h"

namespace rawkv {

// Pure: what a rollback to `target` will do, and what stands against it (design §4 Rollback). `tip`:
// the newest version known good; `holds`: open views, exports, leases. kVersionUnreachable if no
// snapshot and log lead to the target.
Result<RollbackPlan> MakeRollbackPlan(const StoreSurvey& survey, Version tip, Version target,
                                      const std::vector<VersionHold>& holds, const RollbackOptions& options);

// kFailedPrecondition listing what blocks, or ok.
Status CheckNotBlocked(const RollbackPlan& plan);

}  // namespace rawkv
