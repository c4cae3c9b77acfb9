#pragma once

#include <string_view>

#include "engine/api/history.h"
#include "engine/api/info.h"
#include "report/json_text.h"

// Versions, what lies between them, and the way back, as JSON. docs/cli.md lists the fields.
namespace rawkv {

// {"version","lineage","time_unix_ms","metadata"}
OrderedJson CommitJson(const CommitRecord& commit);
// With `options.changes` the keys, too.
OrderedJson HistoryEntryJson(const HistoryEntry& entry, const HistoryOptions& options);
std::string_view ChangeOf(const KeyDifference& difference);  // "added", "removed", "changed"
OrderedJson DifferenceJson(const KeyDifference& difference);
// {"undo_versions","replay_records","replay_bytes","estimated_seconds","rate_measured"}
OrderedJson EstimateJson(const ReplayEstimate& work);
OrderedJson RollbackPlanJson(const RollbackPlan& plan);

}  // namespace rawkv
