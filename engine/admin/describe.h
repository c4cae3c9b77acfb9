#pragma once

#include <functional>

#include "engine/api/info.h"
#include "engine/live/core.h"
#include "engine/live/poison.h"
#include "engine/space/reachability.h"
#include "engine/store/store_context.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// `info` of an open store. `reach` must be computed from `survey`. Takes no lock: slots of a commit that is
// applied meanwhile may be counted as free.
Result<EngineInfo> DescribeOpenStore(StoreContext& context, Core& core, const Poison& poison,
                                     const StoreSurvey& survey, const Reachability& reach);

// What STORE and the directory show without an index: identity, settings, snapshots.
EngineInfo DescribeIdentity(const StoreContext& context, const StoreSurvey& survey);

// Fills in the process that has the store open, and with its status the writer's health, I/O engine and
// durability. For a context without the lock.
void DescribeWriter(const StoreContext& context, EngineInfo* info);

// Fills the slot counts of `info` from one index, and names the holders of deferred slots. Calls `reserved`
// after it has taken a read point. kCorruption: the counts do not add up.
Status DescribeSlots(KeyIndex& index, const Reachability& reach, uint64_t total_slots,
                     const std::function<uint64_t()>& reserved, EngineInfo* info);

}  // namespace rawkv
