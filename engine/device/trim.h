#pragma once

#include <functional>

#include "engine/api/device.h"
#include "engine/live/core.h"
#include "engine/live/operation_gate.h"
#include "engine/live/poison.h"
#include "engine/store/store_context.h"

namespace rawkv {

struct TrimParts {
  StoreContext& context;
  Core& core;
  Poison& poison;
  // Enters the gate for one run of slots, so that a rollback waits for one run only.
  std::function<Result<OperationGate::Pass>()> enter;
};

// Discards each slot that is free when the walk reaches it, concurrently with commits. A slot that is being
// discarded is held (SlotAllocator::HoldFreeRun), so that no commit gets it. A free slot may be overwritten
// at any time, and a discard does no more than that: no reachable version needs its content (invariant 2),
// and no crash can make that content needed again. kNotSupported: the device cannot discard. kPoisoned. After
// an error the slots before it are discarded, and nothing else has changed.
Result<TrimReport> TrimFreeSlots(const TrimParts& parts, const TrimOptions& options);

}  // namespace rawkv
