#pragma once

#include <functional>

#include "engine/api/info.h"
#include "engine/live/core.h"
#include "engine/live/poison.h"
#include "engine/space/reachability.h"
#include "engine/store/store_context.h"
#include "engine/store/store_survey.h"

namespace rawkv {

// `info` of an open store. // `reach` is computed from `survey`. Takes no lock: slots of a commit that is
// applied meanwhile may be counted as free.
Result<EngineInfo> DescribeOpenStore(StoreContext& context, Core& core, const Poison& poison,
                                     const StoreSurvey& survey, const Reachability& reach);

// What STORE and the directory tell without an index: identity, settings, snapshots.
EngineInfo DescribeIdentity(const StoreContext& context, const StoreSurvey& survey);

// Slots by use in one index, deferred ones attributed. `reserved` is called after the read point is taken.
Status DescribeSlots(KeyIndex& index, const Reachability& reach, uint64_t total_slots,
                     const std::function<uint64_t()>& reserved, EngineInfo* info);

// Time and metadata of a reachable version: from its log record, or the index that ends with it.
Result<CommitRecord> FindCommit(StoreContext& context, Core& core, Version version);

}  // namespace rawkv
