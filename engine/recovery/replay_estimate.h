#pragma once

#include "engine/api/info.h"
#include "engine/store/store_context.h"

namespace rawkv {

// The work of the way that a plan takes to its target. Reads no record of the log.
Result<ReplayEstimate> EstimateReplay(StoreContext& context, const RollbackPlan& way);

}  // namespace rawkv
