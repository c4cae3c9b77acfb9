#pragma once

#include "engine/admin/repair_plan.h"

namespace rawkv {

// Carries out a decision (protocols: repair steps 4 to 15), on a store that is open for writing and has no
// rollback under way. Each step is durable before the next one begins. If the repair stops anywhere, the
// store is no worse off than before, and a new decision comes to the same end.
//
//   superblock → marker → pins → [ agreed ] → state (working.new/, snapshot) → current → pins →
//   quarantine → log aside → STORE → log → working
//
// `agreed`: whether the steps that give versions up or drop pins may run. The first three run in any case.
Status RunRepair(StoreContext& context, const RepairDecision& decision, bool agreed);

}  // namespace rawkv
