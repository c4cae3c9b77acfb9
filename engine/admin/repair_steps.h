#pragma once

#include "engine/admin/repair_plan.h"

namespace rawkv {

// Carries a decision out, on a store that is open for writing and has no rollback under way. Each step is
// durable before the next; stopped anywhere, the store is no worse off than before, and a new decision
// from what is there comes to the same end.
//
//   superblock → marker → pins → [ agreed ] → state (working.new/, snapshot) → current → pins →
//   quarantine → log aside → STORE → log → working
//
// `agreed`: whether what would give versions up may be done; the rest is done in any case.
Status RunRepair(StoreContext& context, const RepairDecision& decision, bool agreed);

}  // namespace rawkv
