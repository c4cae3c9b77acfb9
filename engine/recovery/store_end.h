#pragma once

#include <string>

#include "engine/recovery/rollback_plan.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// The end of a closed store, also with a damaged log.
struct FoundStoreEnd {
  StoreEnd end;
  Version durable;     // the newest version that the log and the snapshots show to be durable
  std::string damage;  // the first damage in the log; empty: none
};
Result<FoundStoreEnd> FindStoreEnd(StoreContext& context, const StoreSurvey& survey);

// FindRollbackStart with what is flushed of the working index, which another process may have open.
void FindStartOnDisk(StoreContext& context, RollbackPlan* plan);

// Plans a rollback of a closed store. If the log is damaged, the plan also names the versions below the
// target that cannot be kept. kVersionUnreachable: damage cuts the target off.
Result<RollbackPlan> PlanClosedRollback(StoreContext& context, Version target,
                                        const RollbackOptions& rollback);

}  // namespace rawkv
