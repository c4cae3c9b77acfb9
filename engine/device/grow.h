#pragma once

#include "engine/api/device.h"
#include "engine/live/core.h"
#include "engine/live/poison.h"
#include "engine/store/store_context.h"

namespace rawkv {

struct GrowParts {
  StoreContext& context;
  Core& core;
  Poison& poison;
};

// Gives the store the room that its device has more than it uses (protocols: grow steps 1 to 6). The caller
// is inside the gate, and is the only one that writes STORE. A larger layout counts from the moment at which
// STORE has it; no slot of it is given out before STORE, STORE-COPY and both superblocks have it. Repeating
// the call finishes what an error left.
Result<GrowReport> GrowDevice(const GrowParts& parts, const GrowOptions& options);

}  // namespace rawkv
