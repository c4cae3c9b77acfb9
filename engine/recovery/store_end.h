#pragma once

#include <string>

#include "engine/recovery/rollback_plan.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// How far a closed store goes, also when its log is damaged.
struct FoundStoreEnd {
  StoreEnd end;
  Version durable;     // known to be durable, as the log and the snapshots show
  std::string damage;  // of the log, anywhere in it; empty: none
};
Result<FoundStoreEnd> FindStoreEnd(StoreContext& context, const StoreSurvey& survey);

// A rollback of a closed store. Where the log is damaged the plan says what cannot be kept below the
// target, too, and a version that the log does not lead to for damage is kVersionUnreachable.
Result<RollbackPlan> PlanClosedRollback(StoreContext& context, Version target,
                                        const RollbackOptions& rollback);

}  // namespace rawkv
